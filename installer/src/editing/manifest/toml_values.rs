//! The values of a TOML document by their paths, to compare two documents regardless of their layout.

use std::collections::BTreeMap;

use toml_edit::{Item, Table, TableLike, Value};

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TomlValues(BTreeMap<Vec<String>, String>);

impl TomlValues {
    pub(crate) fn from_table(table: &dyn TableLike) -> Self {
        let mut values = Self::default();
        values.add_table(&[], table);
        values
    }

    /// The values of a dependency. Its short form, a single value, stands for `{ version = value }`.
    pub(super) fn from_dependency(item: &Item) -> Self {
        if let Some(table) = item.as_table_like() {
            return Self::from_table(table);
        }
        let mut values = Self::from_table(&Table::new());
        values.add(&["version".to_owned()], item);
        values
    }

    /// Removes the entry `key` of the table `table`, and whether that table exists.
    #[must_use]
    pub(crate) fn without(mut self, table: &str, key: &str) -> Self {
        let entry = [table.to_owned(), key.to_owned()];
        self.0
            .retain(|path, _| !path.starts_with(&entry) && *path != entry[..1]);
        self
    }

    fn add_table(&mut self, path: &[String], table: &dyn TableLike) {
        self.0.insert(path.to_vec(), "table".to_owned());
        for (key, item) in table.iter() {
            self.add(&[path, &[key.to_owned()]].concat(), item);
        }
    }

    fn add_list(&mut self, path: &[String], items: impl Iterator<Item = Item>) {
        self.0.insert(path.to_vec(), "list".to_owned());
        for (index, item) in items.enumerate() {
            self.add(&[path, &[index.to_string()]].concat(), &item);
        }
    }

    fn add(&mut self, path: &[String], item: &Item) {
        match item {
            Item::None => {}
            Item::Table(table) => self.add_table(path, table),
            Item::Value(Value::InlineTable(table)) => self.add_table(path, table),
            Item::ArrayOfTables(tables) => {
                self.add_list(path, tables.iter().cloned().map(Item::Table));
            }
            Item::Value(Value::Array(values)) => {
                self.add_list(path, values.iter().cloned().map(Item::Value));
            }
            Item::Value(value) => {
                let numbers = (value.as_integer(), value.as_float(), value.as_datetime());
                let scalar = format!("{:?}", (value.as_str(), value.as_bool(), numbers));
                self.0.insert(path.to_vec(), scalar);
            }
        }
    }
}
