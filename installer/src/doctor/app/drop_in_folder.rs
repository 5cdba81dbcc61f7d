//! The folder where other programs put drop-ins: the cache folder, or a folder of its own if the cache is in Redis.

use std::path::Path;

use actix_web_sse::Config;
use actix_web_sse::cli_support::{RedisCache, settings};

use crate::doctor::finding::{Check, Finding};

#[derive(Clone, Copy)]
pub(super) struct DropInFolder<'a> {
    pub(super) path: &'a Path,
    /// Whether it has the journal, too.
    pub(super) is_cache: bool,
}

impl<'a> DropInFolder<'a> {
    /// `None` if the app takes no drop-ins.
    pub(super) fn of(config: &'a Config) -> Option<Self> {
        config.has_drop_ins().then(|| Self {
            path: config.cache_dir(),
            is_cache: RedisCache::of(config).is_none(),
        })
    }

    /// The setting that names it.
    pub(super) fn setting(self) -> &'static str {
        match self.is_cache {
            true => settings::cache.name,
            false => settings::drop_ins.name,
        }
    }

    /// Begins the name of a finding about it.
    pub(super) fn check(self) -> Check {
        Check(if self.is_cache { "cache" } else { "drop-ins" })
    }

    /// What to do if this folder cannot be used.
    pub(super) fn choose_another(self) -> String {
        let or_none = if self.is_cache { "" } else { ", or to `off`" };
        format!("set {} to another folder{or_none}", self.setting())
    }

    /// A problem because of which nothing arrives from this folder. If the cache is in Redis, other values arrive.
    pub(super) fn unusable(self, message: impl Into<String>, help: impl Into<String>) -> Finding {
        match self.is_cache {
            true => self.check().error(message, help),
            false => self.check().warning(message, help),
        }
    }
}
