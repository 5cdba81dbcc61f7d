//! What the server is told to answer, and what it was asked.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use actix_web::{HttpRequest, web::Query};

use crate::answer::Answer;

/// The address `/play/NAME` of every name.
#[derive(Clone, Default)]
pub(crate) struct Plays(Arc<Mutex<HashMap<String, Play>>>);

#[derive(Default)]
struct Play {
    answers: VecDeque<Answer>,
    asked: Vec<Asked>,
    live: usize,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) method: String,
    headers: HashMap<String, String>,
    query: HashMap<String, String>,
}

impl Asked {
    fn from_request(request: &HttpRequest) -> Self {
        let headers = request.headers().iter();
        Self {
            at: Instant::now(),
            method: request.method().to_string(),
            headers: headers
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.to_string(), value)
                })
                .collect(),
            query: Query::<HashMap<_, _>>::from_query(request.query_string())
                .unwrap()
                .into_inner(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

impl Plays {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Play>> {
        self.0.lock().unwrap()
    }

    /// The next requests for the name get these answers, one each. A request for which there is none
    /// waits for it.
    pub(crate) fn add(&self, name: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut plays = self.lock();
        plays
            .entry(name.to_owned())
            .or_default()
            .answers
            .extend(answers);
    }

    pub(crate) fn asked(&self, name: &str) -> Vec<Asked> {
        let plays = self.lock();
        plays
            .get(name)
            .map_or_else(Vec::new, |play| play.asked.clone())
    }

    /// How many requests have been neither answered completely nor given up.
    pub(crate) fn live(&self, name: &str) -> usize {
        self.lock().get(name).map_or(0, |play| play.live)
    }

    /// Writes down a request.
    pub(crate) fn begin(&self, name: &str, request: &HttpRequest) -> Live {
        let mut plays = self.lock();
        let play = plays.entry(name.to_owned()).or_default();
        play.asked.push(Asked::from_request(request));
        play.live += 1;
        Live {
            plays: self.clone(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn next(&self, name: &str) -> Option<Answer> {
        self.lock().get_mut(name)?.answers.pop_front()
    }
}

/// Exists as long as a request does.
pub(crate) struct Live {
    plays: Plays,
    name: String,
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(play) = self.plays.lock().get_mut(&self.name) {
            play.live -= 1;
        }
    }
}
