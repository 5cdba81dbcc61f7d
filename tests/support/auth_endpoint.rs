//! The app that `sse serve --auth-url` asks, as a test wants it to answer.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::port::ReservedPort;

/// Answers requests for `/auth` at a port of its own. It can be stopped and started again.
pub struct AuthEndpoint {
    shared: Arc<Shared>,
    port: ReservedPort,
    listening: Option<Listening>,
}

struct Shared {
    answer: Mutex<Arc<AnswerFn>>,
    questions: Mutex<Vec<Question>>,
    connections: AtomicUsize,
    open_connections: AtomicUsize,
}

type AnswerFn = dyn Fn(&Question) -> Answer + Send + Sync;

struct Listening {
    is_stopping: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    thread: JoinHandle<()>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Question {
    /// Such as `GET /auth HTTP/1.1`.
    pub request_line: String,
    /// The names are in lower case.
    pub headers: HashMap<String, String>,
    /// How many requests have come on the same connection before.
    pub earlier_on_connection: usize,
}

impl Question {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What happens after a request.
pub enum Answer {
    /// These bytes, and then the connection serves another request.
    Send(String),
    /// These bytes, and then the connection is closed.
    SendAndClose(String),
    /// These bytes, and then nothing until the client closes the connection.
    SendAndWait(String),
}

impl Answer {
    /// Success with these headers and without a body.
    #[must_use]
    pub fn granted(headers: &[(&str, &str)]) -> Self {
        Self::status("200 OK", headers)
    }

    /// A status such as `401 Unauthorized`, with these headers and without a body.
    #[must_use]
    pub fn status(status: &str, headers: &[(&str, &str)]) -> Self {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        Self::Send(format!(
            "HTTP/1.1 {status}\r\nContent-Length: 0\r\n{headers}\r\n"
        ))
    }
}

impl AuthEndpoint {
    /// Starts to listen.
    #[must_use]
    pub fn start(answer: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Self {
        let mut endpoint = Self::stopped(answer);
        endpoint.listen();
        endpoint
    }

    /// Does not listen yet.
    #[must_use]
    pub fn stopped(answer: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                answer: Mutex::new(Arc::new(answer)),
                questions: Mutex::default(),
                connections: AtomicUsize::new(0),
                open_connections: AtomicUsize::new(0),
            }),
            port: ReservedPort::new(),
            listening: None,
        }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/auth", self.port.address())
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Answers like this from now on.
    pub fn answer_with(&self, answer: impl Fn(&Question) -> Answer + Send + Sync + 'static) {
        *self.shared.answer.lock().unwrap() = Arc::new(answer);
    }

    /// All requests so far.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        self.shared.questions.lock().unwrap().clone()
    }

    #[must_use]
    pub fn question_count(&self) -> usize {
        self.shared.questions.lock().unwrap().len()
    }

    /// How many connections it has accepted so far.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many of its connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.open_connections.load(Ordering::SeqCst)
    }

    pub fn listen(&mut self) {
        let listener = TcpListener::bind(self.port.address()).unwrap();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let open = Arc::<Mutex<Vec<TcpStream>>>::default();
        let (shared, stop, connections) = (
            Arc::clone(&self.shared),
            Arc::clone(&is_stopping),
            Arc::clone(&open),
        );
        let thread = thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(connection) = connection else { continue };
                shared.connections.fetch_add(1, Ordering::SeqCst);
                connections
                    .lock()
                    .unwrap()
                    .push(connection.try_clone().unwrap());
                let shared = Arc::clone(&shared);
                shared.open_connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    serve(&connection, &shared);
                    shared.open_connections.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        self.listening = Some(Listening {
            is_stopping,
            open,
            thread,
        });
    }

    /// Refuses connections, and cuts those that are open.
    pub fn stop(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.is_stopping.store(true, Ordering::SeqCst);
            // Wakes the thread.
            drop(TcpStream::connect(self.port.address()));
            listening.thread.join().unwrap();
            for connection in listening.open.lock().unwrap().drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Drop for AuthEndpoint {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Ends when the connection does.
fn serve(connection: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(connection);
    for earlier in 0.. {
        let Some(question) = read_question(&mut reader, earlier) else {
            return;
        };
        shared.questions.lock().unwrap().push(question.clone());
        let answer = Arc::clone(&shared.answer.lock().unwrap());
        let (bytes, then) = match answer(&question) {
            Answer::Send(bytes) => (bytes, Then::Continue),
            Answer::SendAndClose(bytes) => (bytes, Then::Close),
            Answer::SendAndWait(bytes) => (bytes, Then::Wait),
        };
        let is_sent = (&mut &*connection).write_all(bytes.as_bytes()).is_ok();
        if is_sent && then == Then::Continue {
            continue;
        }
        if is_sent && then == Then::Wait {
            let _ = reader.read_to_end(&mut Vec::new());
        }
        let _ = connection.shutdown(Shutdown::Both);
        return;
    }
}

#[derive(PartialEq, Eq)]
enum Then {
    Continue,
    Close,
    Wait,
}

fn read_question(reader: &mut impl BufRead, earlier_on_connection: usize) -> Option<Question> {
    let mut request_line = String::new();
    reader.read_line(&mut request_line).ok()?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    Some(Question {
        request_line: request_line.trim_end().to_owned(),
        headers,
        earlier_on_connection,
    })
}
