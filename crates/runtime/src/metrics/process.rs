//! What Go's client library says of a process, from `/proc`.

use std::fs;

/// Kernel ticks a second; fixed in the ABI of `/proc` on Linux.
const TICKS: f64 = 100.0;

pub(super) fn append(out: &mut String) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    // The name in parentheses may hold spaces; fields are counted from behind it.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let resident = kib(&status, "VmRSS:");
    let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<f64>().ok()).unwrap_or(0.0);
    let tasks = tokio::runtime::Handle::try_current().map_or(0, |handle| handle.metrics().num_alive_tasks());
    let rows: [(&str, &str, &str, f64); 8] = [
        ("process_cpu_seconds_total", "counter", "CPU time spent by the process", (ticks(11) + ticks(12)) / TICKS),
        ("process_resident_memory_bytes", "gauge", "Memory resident in RAM", resident),
        ("process_virtual_memory_bytes", "gauge", "Memory mapped", kib(&status, "VmSize:")),
        ("process_open_fds", "gauge", "Open file descriptors", open_fds()),
        ("process_max_fds", "gauge", "File descriptors allowed", max_fds()),
        ("process_start_time_seconds", "gauge", "Start of the process since the epoch", boot + ticks(19) / TICKS),
        ("go_memstats_alloc_bytes", "gauge", "Stand-in for dashboards made for Go: resident memory", resident),
        ("go_goroutines", "gauge", "Stand-in for dashboards made for Go: asynchronous tasks alive", count(tasks)),
    ];
    for (name, kind, help, value) in rows {
        out.push_str(&format!("# HELP {name} {help}.\n# TYPE {name} {kind}\n{name} {value}\n"));
    }
}

fn kib(status: &str, key: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).map_or(0.0, |kib| kib * 1024.0)
}

fn open_fds() -> f64 {
    fs::read_dir("/proc/self/fd").map_or(0.0, |dir| count(dir.count().saturating_sub(1)))
}

fn max_fds() -> f64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_there() {
        let mut text = String::new();
        append(&mut text);
        for name in
            ["process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_start_time_seconds"]
        {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() > 0.0, "{line}");
        }
    }
}
