//! A field: what its value is, and its help.

/// A field of the document.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) kind: Kind,
    /// The format of a text, such as `host name`.
    pub(crate) format: String,
    /// A sentence of help; may be empty for fields of Istio's API.
    pub(crate) description: String,
    /// The default as text.
    pub(crate) default: Option<String>,
}

/// The values of a field.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    Number,
    /// `true`, `false` or the default.
    Flag,
    Choice(Vec<Choice>),
    /// A list of some of these.
    Set(Vec<Choice>),
    /// A list of names of clusters.
    Clusters,
    /// A list of words or numbers.
    Words {
        is_number: bool,
    },
    /// A list of texts that may contain spaces and commas.
    Lines,
    /// A map from names to texts or numbers.
    Pairs {
        is_number: bool,
    },
    Object(Vec<Property>),
    /// A list of objects.
    List(Box<Schema>),
    /// A map from names to objects.
    Map(Box<Schema>),
}

/// A possible value.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    /// Empty if the value says it all.
    pub(crate) description: String,
}

/// A field of an object.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) schema: Schema,
    pub(crate) is_required: bool,
}

impl Kind {
    /// Whether one editor shows the whole value.
    pub(crate) const fn is_leaf(&self) -> bool {
        !matches!(self, Self::Object(_) | Self::List(_) | Self::Map(_))
    }
}

impl Schema {
    /// The fields of an object; none for other kinds.
    pub(crate) fn properties(&self) -> &[Property] {
        match &self.kind {
            Kind::Object(properties) => properties,
            _ => &[],
        }
    }

    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.properties().iter().find(|one| one.name == name)
    }
}
