//! An address that forwards to a server, which can be replaced.

use std::{cell::RefCell, rc::Rc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::spawn_local,
};

/// Forwards connections.
pub(crate) struct Forwarder {
    pub(crate) address: String,
    server: Rc<RefCell<String>>,
}

impl Forwarder {
    pub(crate) async fn to(server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let forwarder = Self {
            address: listener.local_addr().unwrap().to_string(),
            server: Rc::new(RefCell::new(server.to_owned())),
        };
        let server = Rc::clone(&forwarder.server);
        spawn_local(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let server = server.borrow().clone();
                spawn_local(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        // Either side may close the connection.
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        forwarder
    }

    /// Forwards new connections to this server.
    pub(crate) fn switch(&self, server: &str) {
        server.clone_into(&mut self.server.borrow_mut());
    }
}
