//! Enumerations stored as their names in a text column.

/// Declares an enumeration whose values are stored, and serialized, as fixed lower-case texts.
#[macro_export]
#[doc(hidden)]
macro_rules! text_enum {
    (
        $(#[$outer:meta])*
        pub enum $name:ident($what:literal) {
            $($(#[$inner:meta])* $variant:ident = $text:literal,)+
        }
    ) => {
        $(#[$outer])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sea_orm::EnumIter, sea_orm::DeriveActiveEnum,
        )]
        #[sea_orm(rs_type = "String", db_type = "Text")]
        pub enum $name {
            $(
                $(#[$inner])*
                #[serde(rename = $text)]
                #[sea_orm(string_value = $text)]
                $variant,
            )+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stored text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::StoreError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::StoreError::UnknownValue { what: $what, value: text.to_owned() }),
                }
            }
        }
    };
}
