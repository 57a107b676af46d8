//! Real servers, started by the tests and ended with them.
#![allow(dead_code, unused_imports)] // no test uses all of it

mod certificates;
mod proxy;
pub(crate) mod records;

pub(crate) use certificates::Certificates;
pub(crate) use proxy::Proxy;

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A port that nobody listens at now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A redis-server of its own, with its data in a folder of its own.
pub(crate) struct Redis {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
    options: Vec<String>,
    child: Option<Child>,
}

impl Redis {
    /// Durable: every change is on disk before it is answered.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut redis = Self { port: free_port(), folder, options, child: None };
        redis.restart();
        redis
    }

    /// One that speaks TLS at a port of its own, and its URL there. `clients` says whether they
    /// have to show a certificate: `yes`, `no`, or `optional`.
    pub(crate) fn with_tls(certificates: &Certificates, clients: &str) -> (Self, String) {
        let (certificate, key) = (certificates.certificate.to_string_lossy(), certificates.key.to_string_lossy());
        let (port, authority) = (free_port().to_string(), certificates.authority_file.to_string_lossy());
        let options = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let more = ["--tls-auth-clients", clients, "--tls-ca-cert-file", &authority];
        (Self::with(&[&options[..], &more].concat()), format!("rediss://localhost:{port}"))
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it again on the same port and data.
    pub(crate) fn restart(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
        // Durable, unless the options say otherwise.
        command.arg(self.folder.path()).args(["--appendonly", "yes", "--appendfsync", "always"]);
        command.args(&self.options).stdout(Stdio::null()).stderr(Stdio::null());
        let child =
            command.spawn().unwrap_or_else(|error| panic!("redis-server: {error}; `bash tests/run.sh` installs it"));
        self.child = Some(child);
        self.await_answer();
    }

    /// A replica of `primary`, when it has all of its data.
    pub(crate) fn replica_of(primary: &Self) -> Self {
        let port = primary.port.to_string();
        let replica = Self::with(&["--replicaof", "127.0.0.1", &port]);
        replica.await_link();
        replica
    }

    /// A replica of before takes no more from its primary.
    pub(crate) fn promote(&self) {
        assert_eq!(self.ask(&["REPLICAOF", "NO", "ONE"]).trim(), "OK");
    }

    fn await_link(&self) {
        let begun = Instant::now();
        while !self.ask(&["INFO", "replication"]).contains("master_link_status:up") {
            assert!(begun.elapsed() < Duration::from_secs(20), "the replica does not follow");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn await_answer(&self) {
        let begun = Instant::now();
        // Without its password it says that there is one.
        while !["PONG", "NOAUTH"].iter().any(|answer| self.ask(&["PING"]).contains(answer)) {
            assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops it answering, with its connections open; `resume` lets it go on.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Gives what redis-cli says.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(arguments).output();
        String::from_utf8_lossy(&output.expect("redis-cli").stdout).into_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(child) = &self.child {
            let _ = Command::new("kill").args(["-CONT", &child.id().to_string()]).status();
        }
        self.kill();
    }
}

/// A node of no cluster yet.
fn node() -> Redis {
    // The nodes talk to each other at their port and ten thousand.
    let port = (0..100).map(|_| free_port()).find(|port| *port < 55_000).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = ["--cluster-enabled", "yes"].map(ToOwned::to_owned).to_vec();
    let mut redis = Redis { port, folder, options, child: None };
    redis.restart();
    redis
}

/// A cluster of three nodes without replicas.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Redis>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let nodes: Vec<_> = (0..3).map(|_| node()).collect();
        let addresses: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let mut arguments = vec!["--cluster", "create"];
        arguments.extend(addresses.iter().map(String::as_str));
        arguments.extend(["--cluster-replicas", "0", "--cluster-yes"]);
        let output = Command::new("redis-cli").args(&arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let begun = Instant::now();
        while !nodes.iter().all(|node| node.ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok")) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the cluster does not form");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { nodes }
    }

    /// A node that joins, and holds nothing yet.
    pub(crate) fn joined(&self) -> Redis {
        let new = node();
        new.ask(&["CLUSTER", "MEET", "127.0.0.1", &self.nodes[0].port.to_string()]);
        let begun = Instant::now();
        let knows = |redis: &Redis| {
            redis.ask(&["CLUSTER", "NODES"]).lines().filter(|line| !line.contains("handshake")).count() == 4
        };
        while !knows(&new) || !self.nodes.iter().all(knows) {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not join");
            std::thread::sleep(Duration::from_millis(50));
        }
        new
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }
}

/// Returns whether somebody listens.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A folder that the servers' own user can read.
pub(crate) fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// A PostgreSQL cluster of its own.
pub(crate) struct Postgres {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

impl Postgres {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let postgres = Self { port: free_port(), folder };
        let data = postgres.data();
        run(&["initdb", "-D", &data, "-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8"]);
        postgres.restart();
        postgres
    }

    /// A standby of `primary`, which waits for it from now on.
    pub(crate) fn standby_of(primary: &Self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let standby = Self { port: free_port(), folder };
        let port = primary.port.to_string();
        run(&[
            "pg_basebackup",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "postgres",
            "-D",
            &standby.data(),
            "-R",
            "-c",
            "fast",
        ]);
        standby.restart();
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        primary.reload();
        let begun = Instant::now();
        while primary.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
            assert!(begun.elapsed() < Duration::from_secs(20), "the standby does not follow");
            std::thread::sleep(Duration::from_millis(20));
        }
        standby
    }

    /// A standby of before takes no more from its primary.
    pub(crate) fn promote(&self) {
        run(&["pg_ctl", "-D", &self.data(), "-w", "promote"]);
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_string_lossy().into_owned()
    }

    pub(crate) fn restart(&self) {
        self.begin("");
    }

    /// Ended and started again, with more options.
    pub(crate) fn restart_with(&self, more: &str) {
        self.kill();
        self.begin(more);
    }

    fn begin(&self, more: &str) {
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=on -c synchronous_commit=on -c max_connections=200 {more}",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        run(&["pg_ctl", "-D", &self.data(), "-w", "-l", &log.to_string_lossy(), "-o", &options, "start"]);
    }

    pub(crate) fn socket_folder(&self) -> String {
        self.folder.path().to_string_lossy().into_owned()
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(&self) {
        run(&["pg_ctl", "-D", &self.data(), "-m", "immediate", "stop"]);
    }

    /// Runs SQL as its superuser.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let port = self.port.to_string();
        run(&["psql", "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-Atc", sql])
    }

    /// Has it speak TLS, to whoever wants to, with this certificate.
    pub(crate) fn speak_tls(&self, certificates: &Certificates) {
        use std::os::unix::fs::{MetadataExt, chown};
        let data = std::fs::metadata(self.data()).unwrap();
        for (name, file) in [("server.crt", &certificates.certificate), ("server.key", &certificates.key)] {
            let own = Path::new(&self.data()).join(name);
            std::fs::copy(file, &own).unwrap();
            chown(&own, Some(data.uid()), Some(data.gid())).unwrap();
            std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        self.sql("ALTER SYSTEM SET ssl = on");
        self.reload();
    }

    /// Has it let in only whoever shows a certificate of that authority.
    pub(crate) fn ask_for_certificates(&self, certificates: &Certificates) {
        let authority = Path::new(&self.data()).join("authority.crt");
        std::fs::copy(&certificates.authority_file, &authority).unwrap();
        std::fs::set_permissions(&authority, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        self.sql("ALTER SYSTEM SET ssl_ca_file = 'authority.crt'");
        let rules = "hostssl all all localhost cert\nhost all all all trust\n";
        std::fs::write(Path::new(&self.data()).join("pg_hba.conf"), rules).unwrap();
        self.reload();
    }

    /// Has it ask everybody but its superuser for a password.
    pub(crate) fn ask_for_passwords(&self) {
        let rules = "local all postgres trust\nhost all postgres all trust\nhostssl all all all scram-sha-256\n";
        std::fs::write(Path::new(&self.data()).join("pg_hba.conf"), rules).unwrap();
        self.reload();
    }

    fn reload(&self) {
        let loaded = || self.sql("SELECT pg_conf_load_time()");
        let before = loaded();
        self.sql("SELECT pg_reload_conf()");
        let begun = Instant::now();
        while loaded() == before {
            assert!(begun.elapsed() < Duration::from_secs(10), "the settings are not read again");
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if listens(self.port) {
            self.kill();
        }
    }
}

/// A `PgBouncer` before a PostgreSQL server, with so many sessions of its own there.
pub(crate) struct PgBouncer {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
    child: Child,
}

impl PgBouncer {
    /// In transaction mode: each statement may get another session.
    pub(crate) fn by_transactions(postgres: &Postgres, sessions: usize) -> Self {
        Self::with(postgres, sessions, "")
    }

    /// The same with one more setting.
    pub(crate) fn with(postgres: &Postgres, sessions: usize, setting: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path());
        let port = free_port();
        let config = folder.path().join("pgbouncer.ini");
        let lines = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = {sessions}\nmax_client_conn = 200\n\
             ignore_startup_parameters = extra_float_digits\nunix_socket_dir =\npidfile = {1}/pid\nlogfile = {1}/log\n{setting}\n",
            postgres.port,
            folder.path().display()
        );
        std::fs::write(&config, lines).unwrap();
        let mut command = as_nobody_special("pgbouncer");
        command.arg("--quiet").arg(&config).current_dir("/").stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("pgbouncer: {error}; `bash tests/run.sh` installs it"));
        let begun = Instant::now();
        while !listens(port) {
            assert!(begun.elapsed() < Duration::from_secs(20), "pgbouncer does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port, folder, child }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.folder.path().join("pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
        let _ = self.child.wait();
    }
}

/// A program that refuses root, as the user `postgres` where the tests run as root.
fn as_nobody_special(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// Runs one of PostgreSQL's programs, which refuse root; gives what it says.
fn run(command: &[&str]) -> String {
    let library = || std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|version| version.path()).max();
    let program = library().map_or(command[0].into(), |folder| folder.join("bin").join(command[0]));
    let program = if program.exists() { program } else { command[0].into() };
    let mut start = as_nobody_special(&program);
    // A server that is left running keeps what it was given: it must not be this test's own output.
    let output = start.args(&command[1..]).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null());
    let output = if command[0] == "pg_ctl" {
        let status = output.stdout(Stdio::null()).status();
        status.map(|status| (status.success(), String::new()))
    } else {
        output.output().map(|output| (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let (success, said) =
        output.unwrap_or_else(|error| panic!("{command:?}: {error}; `bash tests/run.sh` installs it"));
    assert!(success, "{command:?} has failed: {said}");
    said.trim().to_owned()
}
