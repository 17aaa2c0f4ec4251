//! `minidump-peer write PID OUT` dumps a live process, `minidump-peer read FILE` says what a
//! minidump holds, a line each: by the crates of rust-minidump alone.

use minidump::{Minidump, MinidumpMiscInfo, MinidumpModuleList, MinidumpSystemInfo, MinidumpThreadList, Module};
use minidump_writer::minidump_writer::MinidumpWriterConfig;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words[1] == "write" {
        let pid = words[2].parse().unwrap();
        let mut out = std::fs::File::options()
            .create_new(true)
            .read(true)
            .write(true)
            .open(&words[3])
            .unwrap();
        MinidumpWriterConfig::new(pid, pid).write(&mut out).unwrap();
        return;
    }
    let dump = Minidump::read_path(&words[2]).unwrap();
    let system = dump.get_stream::<MinidumpSystemInfo>().unwrap();
    println!("system {:?} {:?}", system.os, system.cpu);
    for one in dump.get_stream::<MinidumpModuleList>().unwrap().iter() {
        println!("module {:#x} {:#x} {}", one.base_address(), one.size(), one.name);
    }
    let misc = dump.get_stream::<MinidumpMiscInfo>().ok();
    for one in &dump.get_stream::<MinidumpThreadList>().unwrap().threads {
        let context = one.context(&system, misc.as_ref()).unwrap();
        print!("thread {}", one.raw.thread_id);
        for (name, value) in context.valid_registers() {
            print!(" {name}={value:#x}");
        }
        println!();
    }
    for one in dump.get_memory().unwrap().iter() {
        let bytes: String = one.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        println!("memory {:#x} {bytes}", one.base_address());
    }
}
