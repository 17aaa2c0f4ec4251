// Print what the layer shows of the dumps, and reads at the addresses, that a file asks for.
use msl_parser::dump::Dump;

fn main() {
    let path = std::env::args().nth(1).expect("a file");
    let mut found = None;
    for line in std::fs::read_to_string(path).expect("it can be read").lines() {
        let (what, rest) = line.split_once(' ').expect("two words");
        if what == "dump" {
            let dump = Dump::open(rest).expect("a dump");
            println!("{line}");
            for one in &dump.regions {
                println!("region {:x} {:x} {}", one.address, one.size, one.rights);
            }
            for one in &dump.modules {
                println!("module {:x} {:x} {}", one.address, one.size, one.path);
            }
            for one in &dump.threads {
                for register in &one.registers {
                    let shown = match register.number() {
                        Some(number) => format!("{number:x}"),
                        None if register.bytes.is_empty() => "-".to_string(),
                        None => {
                            let hex: String =
                                register.bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
                            hex.trim_start_matches('0').to_string()
                        }
                    };
                    println!("register {:x} {} {shown}", one.id, register.name);
                }
            }
            for index in dump.damaged.keys() {
                println!("damaged {index}");
            }
            found = Some(dump);
        } else {
            let words: Vec<u64> =
                rest.split(' ').map(|word| u64::from_str_radix(word, 16).expect("a number")).collect();
            for run in found.as_ref().expect("a dump").read(words[0], words[1]) {
                let data: String =
                    run.data.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
                println!("run {:x} {:x} {} {data}", run.address, run.length, run.state);
            }
        }
    }
}
