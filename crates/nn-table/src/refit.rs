//! Preprocessing of a table on which a trained model is trained further: the inputs are
//! encoded as for the model, and the targets are fitted to the new table.

use crate::column::{ColumnType, Schema};
use crate::note::Note;
use crate::options::{TableOptions, Task};
use crate::preprocessing::{InputEncoding, Preprocessing, input_positions};
use crate::roles;
use crate::table::{self, Table};
use crate::target::TargetEncoding;
use crate::weighted_rows::WeightedRows;
use crate::{Error, Result};

impl Preprocessing {
    /// The options to read a table on which the model is trained further: input columns have
    /// the types of the training table, and its marks of missing values count, too.
    #[must_use]
    pub fn reading_options(&self, options: &TableOptions) -> TableOptions {
        let mut options = options.clone();
        if let Some(schema) = &self.schema {
            let of_columns = schema.columns.iter();
            let of_columns = of_columns.filter_map(|column| column.missing.as_ref());
            let marks = schema.missing.iter().chain(of_columns);
            options.missing.extend(marks.cloned());
        }
        let inputs = self.input_columns().iter();
        options.expected = inputs
            .map(|column| (column.name.clone(), self.input_type(&column.name)))
            .collect();
        options
    }

    fn input_type(&self, name: &str) -> ColumnType {
        let columns = self.schema.iter().flat_map(|schema| &schema.columns);
        let mut found = columns.filter(|column| column.name == name);
        let column_type = found.next().map(|column| column.column_type.clone());
        let mut inputs = self.input_columns().iter();
        column_type.unwrap_or_else(|| {
            let input = inputs.find(|column| column.name == name);
            input.map_or(ColumnType::Ignored, |input| input.encoding.column_type())
        })
    }

    /// The options with the targets, the task and the sample weights of the model, if the
    /// options name no targets and the table has these columns.
    #[must_use]
    pub fn role_options(&self, table: &Table, options: &TableOptions) -> TableOptions {
        let mut options = options.clone();
        let targets = self.target.columns();
        let has = |name: &String| table.find(name).is_some_and(|it| !table.is_ignored(it));
        if options.target.is_none() && targets.iter().all(has) {
            options.target = Some(targets.join(","));
        }
        if options.task == Task::Auto && options.target == Some(targets.join(",")) {
            options.task = self.target.task();
        }
        if options.sample_weight.is_none() {
            options.sample_weight = self.sample_weight.clone().filter(has);
        }
        options
    }

    /// Fits the preprocessing to a table on which the model is trained further: the encoding of
    /// the inputs stays the same; the encoding of the targets is fitted to the given rows, unless
    /// the table has the classes or the target columns of the model. Also returns notes.
    ///
    /// ```
    /// # use std::path::Path;
    /// # use nn_table::{Preprocessing, Table, TableOptions};
    /// let options = TableOptions::default();
    /// let parse = |text: &str, options: &TableOptions| {
    ///     Table::parse(Path::new("t.csv"), text.as_bytes(), options)
    /// };
    /// let old = parse("x,label\n1,a\n3,b\n", &options)?;
    /// let (trained, _) = Preprocessing::fit(&old, &[0, 1], &options)?;
    /// let new = parse("x,label\n7,c\n9,d\n", &trained.reading_options(&options))?;
    /// let (refitted, _) = trained.refit(&new, &[0, 1], &trained.role_options(&new, &options))?;
    /// assert_eq!(refitted.inputs, trained.inputs);
    /// assert_eq!(refitted.class_names(), ["c", "d"]);
    /// # Ok::<(), nn_table::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::MissingColumns`] for a table without the input columns of the model,
    /// [`Error::InputHasRole`] if a target or the sample weight is an input of the model, and
    /// the errors of [`fit`](Self::fit) about the target and the weights.
    ///
    /// # Panics
    /// Panics if an index in `rows` is not below [`Table::n_rows`].
    pub fn refit(
        &self,
        table: &Table,
        rows: &[usize],
        options: &TableOptions,
    ) -> Result<(Self, Vec<Note>)> {
        let InputEncoding::Columns(columns) = &self.inputs else {
            let (fitted, notes) = Self::fit(table, rows, options)?;
            return Ok((self.with_inputs_of_images(fitted), notes));
        };
        if rows.is_empty() {
            return Err(table::empty(table.path()));
        }
        let inputs = input_positions(table, columns)?;
        let targets = roles::targets(table, options)?;
        let weight = options.sample_weight.as_deref();
        let weight = weight.map(|name| table.position(name)).transpose()?;
        let mut others = targets.iter().chain(&weight);
        if let Some(&position) = others.find(|position| inputs.contains(position)) {
            return Err(Error::InputHasRole {
                path: table.path().to_owned(),
                column: table.name(position).to_owned(),
            });
        }
        let rows = &WeightedRows::new(table, rows, weight)?;
        let mut notes = Vec::new();
        let mut target = TargetEncoding::fit(table, rows, &targets, options, &mut notes)?;
        if target.has_outputs_of(&self.target) {
            notes.clear();
            target = self.target.for_columns_of(&target);
        }
        let used = [&inputs[..], &targets, weight.as_slice()].concat();
        let mut split_columns: Vec<&str> = options.group_and_split().collect();
        split_columns.extend(options.order_by.as_deref());
        let (schema, unused) = schema_of(table, &used, &split_columns);
        if !unused.is_empty() {
            notes.push(Note::ExtraColumns { names: unused });
        }
        let is_split_only = |name: &&str| columns.iter().all(|column| column.name != **name);
        let split_columns = split_columns.iter().copied().filter(is_split_only);
        Ok((
            Self {
                inputs: self.inputs.clone(),
                target,
                sample_weight: options.sample_weight.clone(),
                split_columns: split_columns.map(str::to_owned).collect(),
                has_header: table.has_header(),
                schema: Some(schema),
            },
            notes,
        ))
    }

    /// The preprocessing fitted to a table, with the gray levels of this one if both have
    /// images.
    fn with_inputs_of_images(&self, fitted: Self) -> Self {
        let inputs = match &fitted.inputs {
            InputEncoding::Columns(_) => fitted.inputs,
            InputEncoding::Pixels | InputEncoding::Levels { .. } => self.inputs.clone(),
        };
        let target = match fitted.target.has_outputs_of(&self.target) {
            true => self.target.for_columns_of(&fitted.target),
            false => fitted.target,
        };
        Self {
            inputs,
            target,
            ..fitted
        }
    }
}

/// The schema of a table in which only the columns at these positions and those that decide
/// the split are used, and the names of the others.
fn schema_of(table: &Table, used: &[usize], split_columns: &[&str]) -> (Schema, Vec<String>) {
    let mut schema = table.schema().clone();
    let mut unused = Vec::new();
    for (position, column) in schema.columns.iter_mut().enumerate() {
        let is_used = used.contains(&position) || split_columns.contains(&&*column.name);
        if !is_used && column.column_type != ColumnType::Ignored {
            unused.push(column.name.clone());
            column.column_type = ColumnType::Ignored;
        }
    }
    (schema, unused)
}

impl TargetEncoding {
    /// The task of the targets.
    fn task(&self) -> Task {
        match self {
            Self::Classification { .. } => Task::Classification,
            Self::Regression(_) => Task::Regression,
            Self::MultiLabel(_) => Task::MultiLabel,
        }
    }

    /// Returns `true` if the outputs have the same meaning in both encodings: the same classes,
    /// the same labels or the same numbers, in any order.
    fn has_outputs_of(&self, other: &Self) -> bool {
        let names = |encoding: &Self| {
            let mut names = match encoding {
                Self::Classification { names, .. } => names.clone(),
                Self::Regression(_) | Self::MultiLabel(_) => encoding.columns(),
            };
            names.sort();
            names
        };
        self.task() == other.task() && names(self) == names(other)
    }

    /// The same encoding for the class column of another one.
    fn for_columns_of(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Classification { names, .. }, Self::Classification { column, .. }) => {
                Self::Classification {
                    column: column.clone(),
                    names: names.clone(),
                }
            }
            _ => self.clone(),
        }
    }
}
