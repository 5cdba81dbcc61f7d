//! The Redis server that has the cache: whether it can be used, and whether it keeps what is saved.

#[cfg(test)]
mod tests;

use std::time::Duration;

use actix_web_sse::cli_support::{RedisCache, RedisFacts, StoredJournal, settings};
use actix_web_sse::{Cache, Config};

use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("redis");

/// With a smaller difference, nothing that people notice is wrong.
const NOTABLE_CLOCK_OFFSET: Duration = Duration::from_secs(1);
/// With a larger one, one of the clocks is wrong, and so may be more than times in events.
const MAX_CLOCK_OFFSET: Duration = Duration::from_secs(10);

const SEE_GUIDE: &str = "see the guide \"Several machines\"";

/// The findings, and whether the server has a journal that can be read.
pub(super) fn check(config: &Config, cache: &RedisCache) -> (Vec<Finding>, bool) {
    let facts = match cache.examine() {
        Ok(facts) => facts,
        Err(error) => return (vec![CHECK.refusal(&error, SEE_GUIDE)], false),
    };
    let judge = Judge {
        facts: &facts,
        cache,
        replicas_to_wait_for: replicas_to_wait_for(config),
    };
    let mut findings = judge.findings();
    let has_journal = matches!(facts.journal, Ok(StoredJournal::Complete { .. }));
    if findings.iter().all(|finding| !finding.is_error()) {
        // Why a save would fail now: a full memory, or too few replicas.
        let usable = match Cache::check(config) {
            Ok(()) => judge.usable(),
            Err(error) => CHECK.refusal(&error, SEE_GUIDE),
        };
        findings.insert(0, usable);
    }
    (findings, has_journal)
}

/// The first number of `SSE_REDIS_WAIT`.
fn replicas_to_wait_for(config: &Config) -> Option<u64> {
    let name = settings::redis_wait.name;
    let setting = config.settings().find(|setting| setting.name() == name)?;
    setting.value().split(':').next()?.parse().ok()
}

struct Judge<'a> {
    facts: &'a RedisFacts,
    cache: &'a RedisCache,
    replicas_to_wait_for: Option<u64>,
}

impl Judge<'_> {
    fn findings(&self) -> Vec<Finding> {
        let checks = [
            self.permissions(),
            self.keys(),
            self.journal(),
            self.eviction(),
            self.evicted(),
            self.persistence(),
            self.failed_write(),
            self.replicas(),
            self.wait(),
            self.sentinels(),
            self.encryption(),
            self.clock(),
        ];
        checks.into_iter().flatten().collect()
    }

    fn info(&self, field: &str) -> Option<&str> {
        self.facts.info.get(field).map(String::as_str)
    }

    fn number(&self, field: &str) -> Option<u64> {
        self.info(field)?.parse().ok()
    }

    fn usable(&self) -> Finding {
        let version = self.info("redis_version").unwrap_or("of unknown version");
        let journal = match self.facts.journal {
            Ok(StoredJournal::Complete { newest }) => {
                format!("the journal's newest entry is number {newest}")
            }
            _ => "there is no journal yet: the server will create it".to_owned(),
        };
        let address = self.cache.address();
        CHECK.ok(format!(
            "{address} can be read and written (Redis {version}); {journal}"
        ))
    }

    fn permissions(&self) -> Option<Finding> {
        let mut commands = self.facts.refused_commands.clone();
        if self.replicas_to_wait_for.is_none() {
            commands.retain(|command| *command != "wait");
        }
        let rules: Vec<String> = commands.iter().map(|name| format!("+{name}")).collect();
        (!commands.is_empty()).then(|| {
            CHECK.error(
                format!(
                    "the user of SSE_CACHE may not run the commands {}",
                    commands.join(", ")
                ),
                format!(
                    "add to the rules of this user in Redis's ACL: {}",
                    rules.join(" ")
                ),
            )
        })
    }

    fn keys(&self) -> Option<Finding> {
        let pattern = self.cache.key_pattern();
        self.facts.refuses_keys.then(|| {
            CHECK.error(
                format!("the user of SSE_CACHE may not use the keys {pattern}"),
                format!("add to the rules of this user in Redis's ACL: ~{pattern}"),
            )
        })
    }

    fn journal(&self) -> Option<Finding> {
        let [entries, hash] = self.cache.keys();
        match &self.facts.journal {
            Ok(StoredJournal::Complete { .. } | StoredJournal::None) => None,
            Ok(StoredJournal::WithoutHead) => Some(CHECK.warning(
                format!(
                    "{entries} has entries, but {hash} is missing: it was evicted, or another program has deleted \
                     it. A new journal begins, and clients are told that events may be missing"
                ),
                "set `maxmemory-policy noeviction`, and let no other program delete keys of this prefix",
            )),
            Err(_) if self.facts.refuses_keys || !self.facts.refused_commands.is_empty() => None,
            Err(error) => Some(CHECK.refusal(error, SEE_GUIDE)),
        }
    }

    fn eviction(&self) -> Option<Finding> {
        let Some(policy) = self.info("maxmemory_policy") else {
            return Some(unknown("whether it evicts keys"));
        };
        let (condition, is_limited) = match self.number("maxmemory") {
            _ if policy == "noeviction" => return None,
            Some(0) => ("as soon as `maxmemory` is set", false),
            _ => ("when its memory is full", true),
        };
        let loss = match policy.starts_with("allkeys-") {
            true => "may remove the whole journal, so that clients miss events",
            false => {
                "may forget which saves are complete, so that one that is repeated arrives twice"
            }
        };
        let message =
            format!("{condition}, Redis evicts keys (`maxmemory-policy {policy}`): it {loss}");
        let help = "set `maxmemory-policy noeviction` (then saves fail when the memory is full), or use a Redis \
                    server of its own";
        Some(match is_limited {
            true => CHECK.warning(message, help),
            false => CHECK.tip(message, help),
        })
    }

    /// It may be an evicted key of the journal, which shows nowhere else.
    fn evicted(&self) -> Option<Finding> {
        let count = self.number("evicted_keys").filter(|count| *count > 0)?;
        Some(CHECK.tip(
            format!("Redis has evicted {count} keys since it was started, perhaps of the journal"),
            "raise `maxmemory`, and set `maxmemory-policy noeviction`",
        ))
    }

    fn persistence(&self) -> Option<Finding> {
        match self.info("aof_enabled") {
            Some("1") => return None,
            Some(_) => {}
            None => return Some(unknown("whether it keeps its data on a disk")),
        }
        let help = "set `appendonly yes` with `appendfsync everysec`";
        Some(match self.facts.snapshots.as_deref() {
            Some("") => CHECK.warning(
                "Redis keeps its data only in memory (no `appendonly`, no `save`): a restart loses all events that \
                 clients have not received",
                help,
            ),
            Some(rule) => CHECK.tip(
                format!(
                    "Redis keeps its data in snapshots only (`save {rule}`): a crash loses what was saved since the \
                     last one, and clients are told"
                ),
                help,
            ),
            None => CHECK.tip(
                "Redis has no append-only file, and this user may not read whether it saves snapshots (CONFIG GET \
                 save): without them, a restart loses all events that clients have not received",
                help,
            ),
        })
    }

    fn failed_write(&self) -> Option<Finding> {
        let fields = ["aof_last_write_status", "rdb_last_bgsave_status"];
        let failed = fields
            .into_iter()
            .find(|field| self.info(field) == Some("err"))?;
        Some(CHECK.warning(
            format!("Redis could not write its data to its disk ({failed}): it may refuse saves, or lose them"),
            "see Redis's log; the disk may be full",
        ))
    }

    fn replicas(&self) -> Option<Finding> {
        // With a single one, its restart would stop all saves.
        let replicas = self.number("connected_slaves").filter(|count| *count > 1)?;
        // INFO has it only if `min-replicas-to-write` is set.
        let is_guarded = self.info("min_slaves_good_slaves").is_some();
        (!is_guarded).then(|| {
            CHECK.tip(
                format!(
                    "`min-replicas-to-write` is 0 although {replicas} replicas are connected: a master that is cut \
                     off accepts saves that are lost when it returns, and clients are told"
                ),
                "set `min-replicas-to-write 1` if saves may fail while no replica is connected",
            )
        })
    }

    fn wait(&self) -> Option<Finding> {
        let wanted = self.replicas_to_wait_for?;
        let connected = self.number("connected_slaves")?;
        (connected < wanted).then(|| {
            CHECK.error(
                format!(
                    "SSE_REDIS_WAIT requires {wanted} replica(s), and {connected} are connected: each save returns an \
                     error, although the value is saved"
                ),
                "connect the replicas, or change SSE_REDIS_WAIT",
            )
        })
    }

    fn sentinels(&self) -> Option<Finding> {
        let silent = self.facts.silent_sentinels.join(", ");
        (!silent.is_empty()).then(|| {
            CHECK.warning(
                format!("these Sentinels do not name the master: {silent}"),
                "start them, or correct SSE_CACHE: a failover is found through the others only",
            )
        })
    }

    fn encryption(&self) -> Option<Finding> {
        let host = self.cache.unencrypted_host()?;
        Some(CHECK.tip(
            format!("values and passwords travel to {host} without TLS"),
            "unless you trust the network in between, write `rediss` for `redis` in SSE_CACHE",
        ))
    }

    fn clock(&self) -> Option<Finding> {
        let (offset, is_ahead) = self.facts.clock_offset?;
        let direction = if is_ahead { "ahead of" } else { "behind" };
        let seconds = offset.as_secs_f64();
        let message = format!("Redis's clock is {seconds:.1} s {direction} this machine's");
        let help = "synchronise the clocks of all machines (NTP): the times in events are Redis's";
        match offset {
            _ if offset > MAX_CLOCK_OFFSET => Some(CHECK.warning(message, help)),
            _ if offset > NOTABLE_CLOCK_OFFSET => Some(CHECK.tip(message, help)),
            _ => None,
        }
    }
}

fn unknown(question: &str) -> Finding {
    CHECK.note(format!(
        "this server does not tell {question}, so that was not checked"
    ))
}
