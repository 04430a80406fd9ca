//! The sample bookinfo: its programs, and the versions that answer.

use serde::{Deserialize, Serialize};

/// Settings of the sample `bookinfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bookinfo {
    /// The versions of its services that answer inside the meshes, see [bookinfo](#bookinfo).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("x-default" = "all versions take turns")))]
    pub routes: Option<BookinfoRoutes>,
}

/// Rules by which the services of bookinfo call each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BookinfoRoutes {
    /// Version 1 of every service: reviews without stars.
    #[serde(rename = "all-v1")]
    AllV1,
    /// Reviews by halves from versions 2 and 3: black stars and red ones.
    #[serde(rename = "reviews-v2-v3")]
    ReviewsV2V3,
    /// Reviews from version 3: red stars.
    #[serde(rename = "reviews-v3")]
    ReviewsV3,
}

impl BookinfoRoutes {
    /// All of them, in the order in which the guide applies them.
    pub const ALL: [Self; 3] = [Self::AllV1, Self::ReviewsV2V3, Self::ReviewsV3];

    /// The services with a rule, each with the versions that answer and their shares in percent.
    pub const fn rules(self) -> &'static [(&'static str, &'static [(&'static str, u8)])] {
        const V1: &[(&str, u8)] = &[("v1", 100)];
        match self {
            Self::AllV1 => &[
                ("productpage", V1),
                ("details", V1),
                ("ratings", V1),
                ("reviews", V1),
            ],
            Self::ReviewsV2V3 => &[("reviews", &[("v2", 50), ("v3", 50)])],
            Self::ReviewsV3 => &[("reviews", &[("v3", 100)])],
        }
    }
}

/// A program of bookinfo: a service in one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BookinfoProgram {
    /// The page, which calls the others.
    #[serde(rename = "productpage-v1")]
    Productpage,
    /// Details of a book.
    #[serde(rename = "details-v1")]
    Details,
    /// Stars.
    #[serde(rename = "ratings-v1")]
    Ratings,
    /// Reviews without stars.
    #[serde(rename = "reviews-v1")]
    ReviewsV1,
    /// Reviews with black stars.
    #[serde(rename = "reviews-v2")]
    ReviewsV2,
    /// Reviews with red stars.
    #[serde(rename = "reviews-v3")]
    ReviewsV3,
}

impl BookinfoProgram {
    /// All of them, those of one service beside each other.
    pub const ALL: [Self; 6] = [
        Self::Productpage,
        Self::Details,
        Self::Ratings,
        Self::ReviewsV1,
        Self::ReviewsV2,
        Self::ReviewsV3,
    ];

    /// The name in the document, and of the Deployment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Productpage => "productpage-v1",
            Self::Details => "details-v1",
            Self::Ratings => "ratings-v1",
            Self::ReviewsV1 => "reviews-v1",
            Self::ReviewsV2 => "reviews-v2",
            Self::ReviewsV3 => "reviews-v3",
        }
    }

    /// Its Kubernetes Service.
    pub const fn service(self) -> &'static str {
        match self {
            Self::Productpage => "productpage",
            Self::Details => "details",
            Self::Ratings => "ratings",
            Self::ReviewsV1 | Self::ReviewsV2 | Self::ReviewsV3 => "reviews",
        }
    }

    /// Its version, as its pods are labelled.
    pub const fn version(self) -> &'static str {
        match self {
            Self::Productpage | Self::Details | Self::Ratings | Self::ReviewsV1 => "v1",
            Self::ReviewsV2 => "v2",
            Self::ReviewsV3 => "v3",
        }
    }

    /// The pinned image, for amd64 and arm64.
    pub fn image(self) -> String {
        format!("docker.io/istio/examples-bookinfo-{}:1.20.3", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::BookinfoProgram;

    #[test]
    fn a_program_is_named_by_its_service_and_version() {
        for program in BookinfoProgram::ALL {
            let name = format!("{}-{}", program.service(), program.version());
            assert_eq!(program.as_str(), name);
            assert_eq!(serde_json::to_value(program).unwrap(), name);
        }
    }
}
