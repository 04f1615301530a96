"""Lines of BED files that fuzzing found to end in a plain ValueError."""

import pytest

from fastcov import errors, target_stats


@pytest.mark.parametrize("which", [1, 2])
def test_a_number_of_thousands_of_digits_is_refused_by_line(sample, tmp_path, which):
    """int() reads 4,300 digits at most."""
    bed = tmp_path / "targets.bed"
    fields = ["chr1", "0", "10"]
    fields[which] = "9" * 5_000
    bed.write_text("chr1\t0\t10\n" + "\t".join(fields) + "\n")
    with pytest.raises(errors.CorruptFileError, match="line 2") as caught:
        target_stats(sample[0], bed)
    assert caught.value.record == 2
    assert len(str(caught.value)) < 500


def test_leading_zeros_are_no_digits_too_many(sample, tmp_path):
    bed = tmp_path / "targets.bed"
    bed.write_text("chr1\t" + "0" * 5_000 + "\t" + "0" * 5_000 + "10\n")
    assert target_stats(sample[0], bed).to_pandas().end.tolist() == [10]


def test_a_separator_sign_beside_a_number_is_white_space(sample, tmp_path):
    """str.strip() takes it away, int() does not."""
    bed = tmp_path / "targets.bed"
    bed.write_text("chr1\t\x1c1\t10\n")
    assert target_stats(sample[0], bed).to_pandas().start.tolist() == [1]
