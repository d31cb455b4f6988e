//! The OpenAPI document, made from the routes and the types that their handlers take and answer: what the code says is what is served.

use super::admin::Admin;
use super::error::ApiError;
use super::extract::{Address, Body, Operator, Params, Peer, Raw, SignedIn, VisitorToken};
use aide::generate::{GenContext, in_context};
use aide::openapi::{
    ApiKeyLocation, Info, MediaType, OpenApi, Operation, Parameter, ParameterData,
    ParameterSchemaOrContent, PathItem, PathStyle, QueryStyle, ReferenceOr, RequestBody, Response,
    SchemaObject, SecurityScheme, Server, StatusCode as Status,
};
use aide::operation::{add_parameters, set_body};
use aide::transform::TransformOperation;
use aide::{OperationInput, OperationOutput};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as Answer};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use std::sync::LazyLock;

/// The document as it is served.
pub(super) fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // All its types are maps of words.
        serde_json::to_string_pretty(&describe()).unwrap_or_default()
    });
    &TEXT
}

fn describe() -> OpenApi {
    // What is answered is described as it is written: fields that are always there are required.
    in_context(|ctx| {
        ctx.schema =
            SchemaGenerator::new(SchemaSettings::draft2020_12().for_serialize().with(|s| {
                s.definitions_path = "#/components/schemas/".into();
                s.meta_schema = None;
            }));
    });
    let mut api = OpenApi {
        info: Info {
            title: "flowd".to_owned(),
            version: "1".to_owned(),
            description: Some("Conversations from bot to people. See docs/api.md.".to_owned()),
            ..Info::default()
        },
        servers: vec![Server {
            url: "/".to_owned(),
            ..Server::default()
        }],
        ..OpenApi::default()
    };
    let _ = super::routes().finish_api_with(&mut api, |api| {
        api.security_scheme("visitor", bearer("the conversation's token, `v_..`"))
            .security_scheme("key", bearer("an API key, `fk_..`"))
            .security_scheme("session", held(ApiKeyLocation::Cookie, crate::auth::COOKIE))
            .security_scheme("csrf", held(ApiKeyLocation::Header, "X-Flow-CSRF"))
    });
    for (path, item) in api.paths.iter_mut().flat_map(|p| p.paths.iter_mut()) {
        if let ReferenceOr::Item(item) = item {
            complete(path, item);
        }
    }
    // A wildcard is a variable like others.
    if let Some(paths) = &mut api.paths {
        let named = std::mem::take(&mut paths.paths).into_iter();
        paths.paths = named
            .map(|(path, item)| (path.replace("{*", "{"), item))
            .collect();
    }
    api
}

/// What follows from the method and the address alone: changes need the header against forged requests, variables of the address are words.
fn complete(path: &str, item: &mut PathItem) {
    let methods = [
        (&mut item.get, false),
        (&mut item.post, true),
        (&mut item.put, true),
        (&mut item.delete, true),
    ];
    for (operation, changes) in methods {
        let Some(operation) = operation else { continue };
        for way in operation.security.iter_mut().filter(|_| changes) {
            if way.contains_key("session") {
                way.insert("csrf".to_owned(), Vec::new());
            }
        }
        let names = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next());
        let variables = names.map(|name| {
            ReferenceOr::Item(Parameter::Path {
                parameter_data: word(name.trim_start_matches('*'), true),
                style: PathStyle::Simple,
            })
        });
        operation.parameters.splice(0..0, variables);
    }
}

fn bearer(description: &str) -> SecurityScheme {
    SecurityScheme::Http {
        scheme: "bearer".to_owned(),
        bearer_format: None,
        description: Some(description.to_owned()),
        extensions: Default::default(),
    }
}

fn held(location: ApiKeyLocation, name: &str) -> SecurityScheme {
    SecurityScheme::ApiKey {
        location,
        name: name.to_owned(),
        description: None,
        extensions: Default::default(),
    }
}

/// A parameter that is a word.
fn word(name: &str, required: bool) -> ParameterData {
    parameter(name, required, schemars::json_schema!({"type": "string"}))
}

fn parameter(name: &str, required: bool, schema: Schema) -> ParameterData {
    ParameterData {
        name: name.to_owned(),
        description: None,
        required,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(shown(schema)),
        example: None,
        examples: Default::default(),
        explode: None,
        extensions: Default::default(),
    }
}

fn shown(json_schema: Schema) -> SchemaObject {
    SchemaObject {
        json_schema,
        external_docs: None,
        example: None,
    }
}

/// What is taken is described as it is read: what may be left out is not required, and nothing else may be there.
fn taken<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|s| {
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema
}

/// A way to be let in, besides those named before.
fn lets_in(operation: &mut Operation, schemes: &[&str]) {
    let way = schemes
        .iter()
        .map(|s| ((*s).to_owned(), Vec::new()))
        .collect();
    operation.security.push(way);
}

/// Words about an operation.
pub(super) fn about(
    tag: &'static str,
    summary: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| operation.tag(tag).summary(summary)
}

/// As [`about`], for one whose handler writes its answer itself: of this type, with 200.
pub(super) fn answers<T: JsonSchema>(
    tag: &'static str,
    summary: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| {
        operation
            .tag(tag)
            .summary(summary)
            .response_with::<200, Json<T>, _>(|r| r.description("done"))
    }
}

/// As [`about`], for one that answers something else than JSON.
pub(super) fn speaks(
    tag: &'static str,
    summary: &'static str,
    status: u16,
    media: &'static str,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |operation| {
        let mut operation = operation.tag(tag).summary(summary);
        let content = (!media.is_empty()).then(|| {
            let schema = schemars::json_schema!({"type": "string"});
            let media_type = MediaType {
                schema: Some(shown(schema)),
                ..MediaType::default()
            };
            (media.to_owned(), media_type)
        });
        let response = Response {
            description: "done".to_owned(),
            content: content.into_iter().collect(),
            ..Response::default()
        };
        let responses = operation
            .inner_mut()
            .responses
            .get_or_insert_with(Default::default);
        responses.responses.shift_remove(&Status::Code(200));
        responses
            .responses
            .insert(Status::Code(status), ReferenceOr::Item(response));
        operation
    }
}

/// Another way to be let in than the handler's arguments say, because it looks for it itself.
pub(super) fn also(
    schemes: &'static [&'static str],
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |mut operation| {
        lets_in(operation.inner_mut(), schemes);
        operation
    }
}

/// The body of a request that is no JSON.
pub(super) fn takes(
    media: &'static [&'static str],
    schema: Schema,
) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |mut operation| {
        let content = media.iter().map(|media| {
            let media_type = MediaType {
                schema: Some(shown(schema.clone())),
                ..MediaType::default()
            };
            ((*media).to_owned(), media_type)
        });
        operation.inner_mut().request_body = Some(ReferenceOr::Item(RequestBody {
            content: content.collect(),
            required: true,
            ..RequestBody::default()
        }));
        operation
    }
}

/// A stream can be resumed.
pub(super) fn resumes(mut operation: TransformOperation<'_>) -> TransformOperation<'_> {
    let parameter = Parameter::Header {
        parameter_data: word("Last-Event-ID", false),
        style: aide::openapi::HeaderStyle::Simple,
    };
    operation
        .inner_mut()
        .parameters
        .push(ReferenceOr::Item(parameter));
    operation
}

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let media_type = MediaType {
            schema: Some(shown(taken::<T>())),
            ..MediaType::default()
        };
        let body = RequestBody {
            content: [("application/json".to_owned(), media_type)]
                .into_iter()
                .collect(),
            required: true,
            ..RequestBody::default()
        };
        set_body(ctx, operation, body);
    }
}

impl<T: JsonSchema> OperationInput for Params<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = taken::<T>();
        let required = schema
            .get("required")
            .and_then(|r| r.as_array())
            .cloned()
            .unwrap_or_default();
        let fields = schema
            .get("properties")
            .and_then(|p| p.as_object())
            .cloned()
            .unwrap_or_default();
        let parameters = fields.into_iter().filter_map(|(name, schema)| {
            let must = required.iter().any(|r| r == &name);
            let mut schema = Schema::try_from(schema).ok()?;
            schema.remove("default");
            Some(Parameter::Query {
                parameter_data: parameter(&name, must, schema),
                allow_reserved: false,
                style: QueryStyle::Form,
                allow_empty_value: None,
            })
        });
        add_parameters(ctx, operation, parameters.collect::<Vec<_>>());
    }
}

impl OperationInput for VisitorToken {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        lets_in(operation, &["visitor"]);
    }
}

impl OperationInput for SignedIn {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        lets_in(operation, &["session"]);
    }
}

impl OperationInput for Operator {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        lets_in(operation, &["key"]);
        // From the machine itself nothing is needed.
        lets_in(operation, &[]);
    }
}

impl OperationInput for Admin {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        lets_in(operation, &["key"]);
        lets_in(operation, &["session"]);
    }
}

// What it holds is for each route to say.
impl OperationInput for Raw {}
impl OperationInput for Peer {}
impl OperationInput for Address {}

/// An error, as every error is written.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(super) struct Failed {
    error: Failure,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Failure {
    /// For programs.
    code: String,
    /// For people.
    message: String,
    /// What to do about it.
    help: Option<String>,
}

impl OperationOutput for ApiError {
    type Inner = ();

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<Response> {
        let response = <Json<Failed> as OperationOutput>::operation_response(ctx, operation);
        response.map(|response| Response {
            description: "an error".to_owned(),
            ..response
        })
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Status>, Response)> {
        let response = Self::operation_response(ctx, operation);
        response
            .map(|response| (None, response))
            .into_iter()
            .collect()
    }
}

/// Something that was made: 201.
pub(super) struct Created<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Answer {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Created<T> {
    type Inner = T;

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Status>, Response)> {
        let response = <Json<T> as OperationOutput>::operation_response(ctx, operation);
        let made = response.map(|r| (Some(Status::Code(201)), r));
        made.into_iter().collect()
    }
}
