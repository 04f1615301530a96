//! How much memory there is, before it is taken: an allocation that fails ends the process.

/// What a worker takes besides the result: its stack and buffers.
const PER_WORKER: u64 = 8 << 20;

/// Whether the system gives this process `bytes`, and what its workers need: a limit of its address space (`ulimit -v`) may be lower than
/// the memory of the machine.
pub(super) fn is_given(bytes: u64, workers: usize) -> bool {
    let wanted = usize::try_from(bytes.saturating_add(PER_WORKER.saturating_mul(workers as u64)));
    // Nothing is written to it, so it costs no memory.
    wanted.is_ok_and(|n| Vec::<u8>::new().try_reserve_exact(n).is_ok())
}

/// Memory this process can still get: what the system calls available, or what its cgroup leaves if that is less.
pub(super) fn available() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let meminfo = read("/proc/meminfo")?;
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let system = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)?;
    let group = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes").zip(number("/sys/fs/cgroup/memory/memory.usage_in_bytes")))
        .map(|(max, used)| max.saturating_sub(used));
    Some(group.map_or(system, |g| g.min(system)))
}
