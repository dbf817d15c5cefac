//! Requests per second of the mock Catwalk, beside bare wiremock and bare hyper serving the same body.
//!
//! All four run in one process, one after another, each on its own thread as it would in a test, and
//! are asked by the same blocking client: once on a connection that stays, once on a new connection for
//! each request. Run with `cargo bench -p cachestorm --bench catwalk`.

use std::convert::Infallible;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

use cachestorm::catwalk::{Backend, Catalogue, Catwalk, Settings};
use cachestorm::model::units::{ByteSize, Serial};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const BODY: ByteSize = ByteSize(16 << 10);
const KEEP_ALIVE: &[u8] = b"GET /v2/providers HTTP/1.1\r\nHost: bench\r\n\r\n";
const CLOSE: &[u8] = b"GET /v2/providers HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";

/// A server on a thread of its own, which ends when this is dropped.
struct Server {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Runs `serve`, which is given where to tell its address and a future that ends it.
    fn start<F: Future<Output = ()>>(
        serve: impl FnOnce(mpsc::Sender<SocketAddr>, oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> Self {
        let (address, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve(address, stopped));
        });
        let addr = told.recv().expect("the server starts");
        Self { addr, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends in order");
        }
    }
}

fn ours(backend: Backend) -> Server {
    Server::start(move |address, stopped| async move {
        let settings = Settings { backend, body: BODY, ..Settings::default() };
        let ready = |catwalk: &Catwalk| address.send(catwalk.addr()).expect("the bench waits");
        let until = async { drop(stopped.await) };
        let served = cachestorm::catwalk::serve_until(settings, 0, None, until, ready, |line| {
            black_box(line);
        });
        served.await.expect("the server runs");
    })
}

fn bare_wiremock(body: Bytes) -> Server {
    Server::start(|address, stopped| async move {
        let server = MockServer::builder().disable_request_recording().start().await;
        let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        let mock = Mock::given(method("GET")).and(path("/v2/providers")).respond_with(answer);
        mock.mount(&server).await;
        address.send(*server.address()).expect("the bench waits");
        drop(stopped.await);
    })
}

fn bare_hyper(body: Bytes) -> Server {
    Server::start(|address, mut stopped| async move {
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        address.send(listener.local_addr().expect("an address")).expect("the bench waits");
        loop {
            let stream = tokio::select! {
                _ = &mut stopped => return,
                accepted = listener.accept() => accepted.expect("a connection").0,
            };
            stream.set_nodelay(true).expect("no delay");
            let body = body.clone();
            let service = service_fn(move |_| {
                let response = hyper::Response::builder()
                    .header("Content-Type", "application/json")
                    .body(Full::new(body.clone()))
                    .expect("a response");
                async { Ok::<_, Infallible>(response) }
            });
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    })
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the server accepts");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Sends a request and reads the response to its last byte; returns the length of the body.
fn ask(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> usize {
    stream.write_all(request).expect("the server reads");
    buffer.clear();
    let mut chunk = [0; 64 << 10];
    loop {
        let count = stream.read(&mut chunk).expect("the server answers");
        assert_ne!(count, 0, "the response ended early");
        buffer.extend_from_slice(&chunk[..count]);
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let body = buffer.len() - end - 4;
        if body >= usize::try_from(BODY.0).expect("small") {
            return body;
        }
    }
}

fn bench(criterion: &mut Criterion) {
    let body = Catalogue::new(Serial(1), BODY).body().clone();
    let servers = [
        ("ours, wiremock backend", ours(Backend::Wiremock)),
        ("ours, direct backend", ours(Backend::Direct)),
        ("bare wiremock", bare_wiremock(body.clone())),
        ("bare hyper", bare_hyper(body.clone())),
    ];
    let mut buffer = Vec::new();

    let mut group = criterion.benchmark_group("keep-alive");
    group.throughput(Throughput::Elements(1));
    for (name, server) in &servers {
        let mut stream = connect(server.addr);
        group.bench_function(*name, |bencher| {
            bencher.iter(|| assert_eq!(ask(&mut stream, KEEP_ALIVE, &mut buffer), body.len()));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("one connection a request");
    group.throughput(Throughput::Elements(1));
    for (name, server) in &servers {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let mut stream = connect(server.addr);
                assert_eq!(ask(&mut stream, CLOSE, &mut buffer), body.len());
                // A reset leaves no TIME_WAIT behind, of which a long run would pile up too many.
                rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO))
                    .expect("linger");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
