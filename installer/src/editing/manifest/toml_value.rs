//! The values of a TOML document, to compare two documents regardless of their layout.

use std::collections::BTreeMap;

use toml_edit::{Item, TableLike, Value};

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TomlValue {
    /// The type's name and the text.
    Scalar(&'static str, String),
    List(Vec<TomlValue>),
    Table(BTreeMap<String, TomlValue>),
}

impl TomlValue {
    pub(crate) fn from_table(table: &dyn TableLike) -> Self {
        let entries = table
            .iter()
            .map(|(key, item)| (key.to_owned(), Self::from_item(item)));
        Self::Table(entries.collect())
    }

    /// Removes the entry `key` of the table `table`, and the table if it is then empty.
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

    /// Expands the short form of a table: a single value stands for `{ key = value }`.
    #[must_use]
    pub(crate) fn expanded(self, key: &str) -> Self {
        match self {
            Self::Scalar(..) | Self::List(_) => Self::Table([(key.to_owned(), self)].into()),
            Self::Table(_) => self,
        }
    }

    pub(crate) fn from_item(item: &Item) -> Self {
        match item {
            Item::None => Self::List(Vec::new()),
            Item::Value(value) => Self::from_value(value),
            Item::Table(table) => Self::from_table(table),
            Item::ArrayOfTables(tables) => {
                Self::List(tables.iter().map(|table| Self::from_table(table)).collect())
            }
        }
    }

    fn from_value(value: &Value) -> Self {
        let scalar = |text: String| Self::Scalar(value.type_name(), text);
        match value {
            Value::String(text) => scalar(text.value().clone()),
            Value::Integer(number) => scalar(number.value().to_string()),
            Value::Float(number) => scalar(number.value().to_string()),
            Value::Boolean(boolean) => scalar(boolean.value().to_string()),
            Value::Datetime(time) => scalar(time.value().to_string()),
            Value::Array(values) => Self::List(values.iter().map(Self::from_value).collect()),
            Value::InlineTable(table) => Self::from_table(table),
        }
    }
}
