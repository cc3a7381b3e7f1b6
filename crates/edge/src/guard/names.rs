//! Which tables a statement names, and what it does to which of them.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AlterTable, AlterTableOperation, ColumnDef, ColumnOption, CreateIndex, CreateTable, Delete,
    Expr, FromTable, Insert, ObjectName, ObjectType, Query, RenameTableNameKind, SetExpr,
    Statement, TableConstraint, TableFactor, TableObject, TableWithJoins, Update, Visitor,
};

use super::Kind;

/// Names that a component may use.
pub(super) struct Names<'a> {
    prefix: &'a str,
    /// Names of common table expressions, for each query that is being visited.
    scopes: Vec<Vec<String>>,
    /// How many expressions the visited one stands in.
    depth: usize,
}

impl<'a> Names<'a> {
    pub(super) fn new(prefix: &'a str) -> Self {
        Self { prefix, scopes: Vec::new(), depth: 0 }
    }

    /// What a statement does; what it changes must be a table of the component, whatever its
    /// common table expressions are called.
    pub(super) fn target(&self, statement: &Statement) -> Result<Kind, String> {
        match statement {
            Statement::Query(query) => match query.body.as_ref() {
                SetExpr::Insert(change) | SetExpr::Update(change) | SetExpr::Delete(change) => {
                    self.changed(change)
                }
                _ => Ok(Kind::Read),
            },
            Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
                self.changed(statement)
            }
            Statement::CreateTable(table) => self.created(table),
            Statement::CreateIndex(CreateIndex { name, table_name, .. }) => {
                let name = name.as_ref().ok_or("an index has a name")?;
                self.own_all([name, table_name])
            }
            Statement::AlterTable(table) => self.altered(table),
            Statement::Drop {
                object_type: ObjectType::Table | ObjectType::Index,
                names,
                temporary: false,
                table: None,
                ..
            } => self.own_all(names),
            _ => Err("this kind of statement is not for components".to_owned()),
        }
    }

    fn changed(&self, statement: &Statement) -> Result<Kind, String> {
        let target = match statement {
            Statement::Insert(Insert { table: TableObject::TableName(name), .. }) => Some(name),
            Statement::Update(Update { table, .. }) => only(table),
            Statement::Delete(Delete { tables, from, using: None, .. }) if tables.is_empty() => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = from;
                if let [table] = from.as_slice() { only(table) } else { None }
            }
            _ => None,
        };
        self.own(target.ok_or("one table is changed, by its name")?)?;
        Ok(Kind::Change)
    }

    fn created(&self, table: &CreateTable) -> Result<Kind, String> {
        if table.temporary {
            return Err("a table is kept".to_owned());
        }
        let foreign = table.constraints.iter().filter_map(|constraint| match constraint {
            TableConstraint::ForeignKey(key) => Some(&key.foreign_table),
            _ => None,
        });
        let foreign = foreign.chain(table.columns.iter().flat_map(foreign_tables));
        self.own_all([&table.name].into_iter().chain(foreign))
    }

    fn altered(&self, table: &AlterTable) -> Result<Kind, String> {
        self.own(&table.name)?;
        for operation in &table.operations {
            match operation {
                AlterTableOperation::AddColumn { column_def, .. } => {
                    self.own_all(foreign_tables(column_def))?;
                }
                AlterTableOperation::RenameTable { table_name: RenameTableNameKind::To(name) } => {
                    self.own(name)?;
                }
                AlterTableOperation::RenameColumn { .. }
                | AlterTableOperation::DropColumn { .. } => {}
                _ => return Err("tables are not altered like that".to_owned()),
            }
        }
        Ok(Kind::Define)
    }

    fn own_all<'n>(&self, names: impl IntoIterator<Item = &'n ObjectName>) -> Result<Kind, String> {
        names.into_iter().try_for_each(|name| self.own(name))?;
        Ok(Kind::Define)
    }

    fn own(&self, name: &ObjectName) -> Result<(), String> {
        if self.is_own(&plain(name)?) { Ok(()) } else { Err(self.foreign(name)) }
    }

    fn is_own(&self, name: &str) -> bool {
        !self.prefix.is_empty() && name.starts_with(self.prefix)
    }

    fn foreign(&self, name: &ObjectName) -> String {
        format!("{name} is no table of this component: they begin with {}", self.prefix)
    }

    /// May it be read from?
    fn relation(&self, name: &ObjectName) -> Result<(), String> {
        let plain = plain(name)?;
        let expressions = self.scopes.iter().flatten();
        let is_expression = expressions.into_iter().any(|expression| *expression == plain);
        if self.is_own(&plain) || is_expression || FUNCTIONS.contains(&plain.as_str()) {
            Ok(())
        } else {
            Err(self.foreign(name))
        }
    }

    fn enter(&mut self, query: &Query) -> Result<(), String> {
        let is_change = matches!(
            *query.body,
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
        );
        if is_change && !self.scopes.is_empty() {
            return Err("changes do not stand inside of other statements".to_owned());
        }
        let mut scope = Vec::new();
        for expression in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = expression.alias.name.value.to_ascii_lowercase();
            // Where it is not in scope, such a name is a table; no table lacks its prefix.
            if name.contains('_') && !self.is_own(&name) {
                return Err(format!("{name} could be a table of another component"));
            }
            scope.push(name);
        }
        self.scopes.push(scope);
        Ok(())
    }
}

impl Visitor for Names<'_> {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        flow(self.enter(query))
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<String> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return ControlFlow::Break(format!("more than {DEPTH_MAX} operators in one another"));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<String> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        flow(self.relation(relation))
    }
}

fn flow(result: Result<(), String>) -> ControlFlow<String> {
    result.map_or_else(ControlFlow::Break, ControlFlow::Continue)
}

/// A name in lower case; none of another database.
fn plain(name: &ObjectName) -> Result<String, String> {
    match name.0.as_slice() {
        [part] => {
            let part = part.as_ident().ok_or_else(|| format!("{name} is no name"))?;
            Ok(part.value.to_ascii_lowercase())
        }
        _ => Err(format!("{name} is in another database")),
    }
}

fn only(table: &TableWithJoins) -> Option<&ObjectName> {
    match (&table.relation, table.joins.is_empty()) {
        (TableFactor::Table { name, args: None, .. }, true) => Some(name),
        _ => None,
    }
}

fn foreign_tables(column: &ColumnDef) -> impl Iterator<Item = &ObjectName> {
    column.options.iter().filter_map(|option| match &option.option {
        ColumnOption::ForeignKey(key) => Some(&key.foreign_table),
        _ => None,
    })
}

/// The parser chains operators in a loop, but a tree is visited by recursion, and the stack of a
/// component is small.
const DEPTH_MAX: usize = 100;
/// Functions that stand where a table does.
const FUNCTIONS: &[&str] = &["json_each", "json_tree"];
