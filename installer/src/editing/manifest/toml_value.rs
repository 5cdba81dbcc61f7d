//! What a TOML document says, without how it is written, for comparing two.

use std::collections::BTreeMap;

use toml_edit::{Item, TableLike, Value};

/// A value, a list or a table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TomlValue {
    /// A value's type and text.
    Scalar(&'static str, String),
    List(Vec<TomlValue>),
    Table(BTreeMap<String, TomlValue>),
}

impl TomlValue {
    pub(crate) fn of_table(table: &dyn TableLike) -> Self {
        let entries = table
            .iter()
            .map(|(key, item)| (key.to_owned(), Self::of_item(item)));
        Self::Table(entries.collect())
    }

    /// Without the entry `key` of the table `table`, and without the table if that
    /// was all it had.
    #[must_use]
    pub(crate) fn without(mut self, table: &str, key: &str) -> Self {
        if let Self::Table(entries) = &mut self
            && let Some(Self::Table(inner)) = entries.get_mut(table)
        {
            inner.remove(key);
            if inner.is_empty() {
                entries.remove(table);
            }
        }
        self
    }

    /// A table, for which a single value is the short way to write its entry `key`.
    #[must_use]
    pub(crate) fn or_table_of(self, key: &str) -> Self {
        match self {
            Self::Scalar(..) | Self::List(_) => Self::Table([(key.to_owned(), self)].into()),
            Self::Table(_) => self,
        }
    }

    pub(crate) fn of_item(item: &Item) -> Self {
        match item {
            Item::None => Self::List(Vec::new()),
            Item::Value(value) => Self::of_value(value),
            Item::Table(table) => Self::of_table(table),
            Item::ArrayOfTables(tables) => {
                Self::List(tables.iter().map(|table| Self::of_table(table)).collect())
            }
        }
    }

    fn of_value(value: &Value) -> Self {
        let scalar = |text: String| Self::Scalar(value.type_name(), text);
        match value {
            Value::String(text) => scalar(text.value().clone()),
            Value::Integer(number) => scalar(number.value().to_string()),
            Value::Float(number) => scalar(number.value().to_string()),
            Value::Boolean(yes) => scalar(yes.value().to_string()),
            Value::Datetime(time) => scalar(time.value().to_string()),
            Value::Array(values) => Self::List(values.iter().map(Self::of_value).collect()),
            Value::InlineTable(table) => Self::of_table(table),
        }
    }
}
