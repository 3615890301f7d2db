//! `cargo bench --bench relay`: what a message, a session and a wait cost through sockeye, a TCP copy and other proxies.

mod copy;
mod flood;
mod load;
mod measure;
mod proxies;
mod report;
mod rows;
mod scenario;
mod secure;
mod server;
mod wire;

use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, Result, bail, ensure};

use load::Door;
use proxies::Proxy;
use rows::Plan;
use scenario::Limit;
use secure::Security;

const USAGE: &str = "\
cargo bench --bench relay -- [OPTIONS]
  --quick             two short rounds: to see that it runs, not to draw conclusions
  --rounds N          [5] medians are taken over so many
  --seconds S         [2] of load in one round
  --sessions N        [4000] open at one time in the row of idle sessions
  --rows a1,b2        only these
  --proxies a,b       only these: direct copy sockeye armed armed-field acting haproxy nginx mitmdump baseline
SOCKEYE_BASELINE=FILE  another build of sockeye, to compare with in the same rounds";

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["--role", "server", security, folder] => server::run(security.parse()?, Path::new(folder)),
        ["--role", "copy", listen, server] => copy::run(listen, server),
        ["--role", "load", address, security, folder, scenario, millis, messages] => {
            let security: Security = security.parse()?;
            let connector = || secure::connector(Path::new(folder), security);
            let connector = security.is_tls().then(connector).transpose()?;
            let limit = Limit { time: Duration::from_millis(millis.parse()?), messages: messages.parse()? };
            load::run(&Door { address: address.to_owned(), connector }, scenario.parse()?, limit)
        }
        _ if words.iter().any(|word| ["--help", "-h"].contains(word)) => {
            println!("{USAGE}");
            Ok(())
        }
        // `cargo test --all-targets` starts benches without it.
        _ if !words.contains(&"--bench") => {
            println!("this measures for minutes: run it with cargo bench --bench relay");
            Ok(())
        }
        _ => compare(&plan(&words)?),
    }
}

fn plan(words: &[&str]) -> Result<Plan> {
    let quick = words.contains(&"--quick");
    let (mut rounds, mut seconds, mut idle) = if quick { (2, 0.3, 500) } else { (5, 2.0, 4000) };
    let (mut keys, mut names) = (String::new(), String::new());
    let mut rest = words.iter();
    while let Some(&word) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("{word} needs a value"));
        match word {
            "--bench" | "--quick" => {}
            "--rounds" => rounds = value()?.parse()?,
            "--seconds" => seconds = value()?.parse()?,
            "--sessions" => idle = value()?.parse()?,
            "--rows" => keys = (*value()?).to_owned(),
            "--proxies" => names = (*value()?).to_owned(),
            other => bail!("{other} is not an option\n{USAGE}"),
        }
    }
    ensure!(rounds > 0 && idle > 0, "there must be at least one round and one session");
    let asked = |list: &str, name: &str| list.is_empty() || list.split(',').any(|one| name.starts_with(one));
    Ok(Plan {
        proxies: Proxy::ALL.into_iter().filter(|proxy| asked(&names, proxy.name())).collect(),
        rows: rows::all(idle).into_iter().filter(|row| asked(&keys, row.key)).collect(),
        rounds,
        time: Duration::from_secs_f64(seconds),
    })
}

fn compare(plan: &Plan) -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "this bench reads /proc, so it runs on Linux only");
    let mut plan = plan.clone();
    describe(&plan);
    plan.proxies.retain(|proxy| proxy.program().is_some());
    let mut done = Vec::new();
    for row in &plan.rows {
        eprintln!("measuring {}. {}", row.key, row.title);
        match rows::run(row, &plan) {
            Ok(series) => {
                println!("{}", report::table(row, &series));
                done.push((row.clone(), series));
            }
            Err(error) => println!("### {}. {}\n\nnot measured: {error:#}\n", row.key, row.title),
        }
    }
    println!("{}", report::targets(&done));
    println!("Load average at the end: {}", first_line("/proc/loadavg"));
    Ok(())
}

/// What was measured, and on what.
fn describe(plan: &Plan) {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("", |it| it.1);
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    println!("Machine: {count} cores, {model}, Linux {}", first_line("/proc/sys/kernel/osrelease"));
    println!("Load average at the start: {}", first_line("/proc/loadavg"));
    println!("Rounds: {} of {:?}", plan.rounds, plan.time);
    for proxy in &plan.proxies {
        match (proxy, proxy.program()) {
            (Proxy::Direct, _) => println!("direct: no proxy"),
            (Proxy::Copy, _) => println!("copy: TCP copy on tokio"),
            (Proxy::Baseline, None) => {}
            (_, Some(_)) => println!("{}: {}", proxy.name(), proxy.version()),
            (_, None) => println!("{}: not installed", proxy.name()),
        }
    }
    println!();
}

fn first_line(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}
