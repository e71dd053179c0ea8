/* SPDX-License-Identifier: Apache-2.0 */
/* model_world.h - a model in which every member is something of its own, and how it is spelled. */
#ifndef TESTS_PACKAGE_MODEL_WORLD_H
#define TESTS_PACKAGE_MODEL_WORLD_H

#include "package/model/model_file.h"

/* ---- the API ---- */

static const struct span world_classes[] = { SPAN_INIT("pan"), SPAN_INIT("pii.name") };
#define WORLD_CLASSES "\"classes\":[\"pan\",\"pii.name\"]"

static const struct api_identity world_identities[] = {
        { SPAN_INIT("legacy"), API_IDENTITY_BASIC },
        { SPAN_INIT("machine"), API_IDENTITY_MUTUAL },
        { SPAN_INIT("partner"), API_IDENTITY_BEARER },
        { SPAN_INIT("token"), API_IDENTITY_BEARER },
};
#define WORLD_IDENTITIES                                                                           \
        "\"identities\":[{\"kind\":\"basic\",\"name\":\"legacy\"},"                                \
        "{\"kind\":\"mutual\",\"name\":\"machine\"},"                                              \
        "{\"kind\":\"bearer\",\"name\":\"partner\"},{\"kind\":\"bearer\",\"name\":\"token\"}]"

static const struct api_parameter world_parameters[] = {
        { SPAN_INIT("accountId"), API_IN_PATH, true, false, 1 },
        { SPAN_INIT("limit"), API_IN_QUERY, false, true, 2 },
        { SPAN_INIT("x-branch"), API_IN_HEADER, false, false, 3 },
        { SPAN_INIT("seen"), API_IN_COOKIE, false, false, 0 },
};
static const struct api_segment world_segments[] = { { SPAN_INIT("acc ounts"), false },
                                                     { SPAN_INIT("accountId"), true } };
static const struct api_segment world_nothing[] = { { SPAN_INIT(""), false } };
static const struct api_media world_media[] = { { SPAN_INIT("application/json"), true, 1 },
                                                { SPAN_INIT("text/plain"), false, API_NONE } };
static const struct api_body world_body = { true, world_media, 1 };
static const struct api_parameter world_headers[] = { { SPAN_INIT("etag"), API_IN_HEADER, true,
                                                        false, 2 } };
static const struct api_response world_responses[] = { { 0, NULL, 0, NULL, 0 },
                                                       { 2, world_media, 2, world_headers, 1 },
                                                       { 404, world_media, 1, NULL, 0 } };
static const uint32_t world_schemes[] = { 1, 3 }, world_reads[] = { 0, 1 }, world_writes[] = { 1 };
static const struct api_security world_security[] = { { NULL, 0 }, { world_schemes, 2 } };
static const struct span world_tags[] = { SPAN_INIT("read only"), SPAN_INIT("z") };
static const struct api_operation world_operations[] = {
        { .id = SPAN_INIT("getAccount"),
          .method = API_GET,
          .path = SPAN_INIT("/acc%20ounts/{accountId}"),
          .segments = world_segments,
          .n_segments = 2,
          .tags = world_tags,
          .n_tags = 2,
          .parameters = world_parameters,
          .n_parameters = 4,
          .request = &world_body,
          .responses = world_responses,
          .n_responses = 3,
          .object = { SPAN_INIT("Account"), 0 },
          .security = world_security,
          .n_security = 2,
          .reads = world_reads,
          .n_reads = 2,
          .writes = world_writes,
          .n_writes = 1 },
        { .id = SPAN_INIT("ping"),
          .method = API_OPTIONS,
          .path = SPAN_INIT("/"),
          .segments = world_nothing,
          .n_segments = 1,
          .object = { .parameter = API_NONE } },
};
#define WORLD_MEDIA_JSON "{\"json\":true,\"schema\":1,\"type\":\"application/json\"}"
#define WORLD_PING                                                                                 \
        "{\"id\":\"ping\",\"method\":\"OPTIONS\",\"path\":\"/\",\"segments\":[{\"text\":\"\"}]}"
#define WORLD_PARAMETERS                                                                           \
        "\"parameters\":[{\"in\":\"path\",\"name\":\"accountId\",\"required\":true,\"schema\":1}," \
        "{\"explode\":true,\"in\":\"query\",\"name\":\"limit\",\"schema\":2},"                     \
        "{\"in\":\"header\",\"name\":\"x-branch\",\"schema\":3},"                                  \
        "{\"in\":\"cookie\",\"name\":\"seen\",\"schema\":0}]"
#define WORLD_OPERATIONS                                                                           \
        "\"operations\":[{\"id\":\"getAccount\",\"method\":\"GET\","                               \
        "\"object\":{\"parameter\":0,\"type\":\"Account\"}," WORLD_PARAMETERS ","                  \
        "\"path\":\"/acc%20ounts/{accountId}\",\"reads\":[0,1],"                                   \
        "\"request\":{\"media\":[" WORLD_MEDIA_JSON "],\"required\":true},"                        \
        "\"responses\":[{\"status\":0},{\"headers\":[{\"in\":\"header\",\"name\":\"etag\","        \
        "\"required\":true,\"schema\":2}],\"media\":[" WORLD_MEDIA_JSON                            \
        ",{\"type\":\"text/plain\"}],\"status\":2},{\"media\":[" WORLD_MEDIA_JSON                  \
        "],\"status\":404}],\"security\":[{},{\"schemes\":[1,3]}],"                                \
        "\"segments\":[{\"text\":\"acc ounts\"},{\"parameter\":true,\"text\":\"accountId\"}],"     \
        "\"tags\":[\"read only\",\"z\"],\"writes\":[1]}," WORLD_PING "]"

/* ---- schemas: the third has everything ---- */

static const struct tree world_items[] = { { .kind = TREE_NULL },
                                           { .kind = TREE_REAL, .text = SPAN_INIT("1.50e3") } };
static const struct tree_member world_members[] = {
        { SPAN_INIT("a\"b"), { .kind = TREE_ARRAY, .n = 2, .items = world_items } },
        { SPAN_INIT("c"), { .kind = TREE_BOOL, .boolean = true } },
};
static const struct tree world_values[] = {
        { .kind = TREE_STRING, .text = SPAN_INIT("open") },
        { .kind = TREE_NUMBER, .number = INT64_MIN },
        { .kind = TREE_OBJECT, .n = 2, .members = world_members },
};
static const struct span world_names[] = { SPAN_INIT("x"), SPAN_INIT("y") };
static const struct api_property world_properties[] = { { SPAN_INIT(""), 0, false },
                                                        { SPAN_INIT("p\n"), API_NONE, true } };
static const struct api_pattern_property world_patterns[] = { { SPAN_INIT("^x-"), 4 } };
static const struct api_dependent world_dependents[] = {
        { SPAN_INIT("a"), world_names, 2, API_NONE }, { SPAN_INIT("b"), NULL, 0, 3 }
};
static const uint32_t world_prefix[] = { 0 }, world_all[] = { 1, 0 }, world_any[] = { 2 },
                      world_one[] = { 3, 4 };

#define WORLD_ANY                                                                                  \
        .types = API_ANY, .ref = API_NONE, .max_length = UINT64_MAX, .max_items = UINT64_MAX,      \
        .items = API_NONE, .contains = API_NONE, .min_contains = 1, .max_contains = UINT64_MAX,    \
        .unevaluated_items = API_NONE, .additional = API_NONE, .unevaluated_properties = API_NONE, \
        .names = API_NONE, .max_properties = UINT64_MAX, .not_of = API_NONE, .if_of = API_NONE,    \
        .then_of = API_NONE, .else_of = API_NONE
static const struct api_schema world_schemas[] = {
        { WORLD_ANY },
        { .types = API_NULL | API_STRING,
          .ref = 2,
          .max_length = UINT64_MAX,
          .max_items = UINT64_MAX,
          .items = API_NONE,
          .contains = API_NONE,
          .min_contains = 1,
          .max_contains = UINT64_MAX,
          .unevaluated_items = API_NONE,
          .additional = API_NONE,
          .unevaluated_properties = API_NONE,
          .names = API_NONE,
          .max_properties = UINT64_MAX,
          .not_of = API_NONE,
          .if_of = API_NONE,
          .then_of = API_NONE,
          .else_of = API_NONE },
        { .name = SPAN_INIT("Account"),
          .data_class = SPAN_INIT("pii.name"),
          .types = API_BOOL | API_INTEGER | API_NUMBER | API_ARRAY | API_OBJECT,
          .never = true,
          .unique = true,
          .ref = 0,
          .values = world_values,
          .n_values = 3,
          .minimum = SPAN_INIT("-1"),
          .maximum = SPAN_INIT("2.5"),
          .above = SPAN_INIT("-0"),
          .below = SPAN_INIT("1E-2"),
          .multiple_of = SPAN_INIT("0.01"),
          .min_length = 1,
          .max_length = 9007199254740992,
          .pattern = SPAN_INIT("^\\d+$"),
          .format = API_FORMAT_DATE_TIME,
          .min_items = 2,
          .max_items = 3,
          .prefix_items = { world_prefix, 1 },
          .items = 1,
          .contains = 2,
          .min_contains = 0,
          .max_contains = 4,
          .properties = world_properties,
          .n_properties = 2,
          .patterns = world_patterns,
          .n_patterns = 1,
          .unevaluated_items = 4,
          .additional = 3,
          .unevaluated_properties = 0,
          .names = 4,
          .min_properties = 5,
          .max_properties = 6,
          .dependents = world_dependents,
          .n_dependents = 2,
          .all_of = { world_all, 2 },
          .any_of = { world_any, 1 },
          .one_of = { world_one, 2 },
          .not_of = 0,
          .if_of = 1,
          .then_of = 2,
          .else_of = 3 },
        { WORLD_ANY },
        { WORLD_ANY },
};
#define WORLD_SCHEMA                                                                                                                              \
        "{\"above\":\"-0\",\"additional\":3,\"all_of\":[1,0],\"any_of\":[2],\"below\":\"1E-2\","                                                  \
        "\"class\":\"pii.name\",\"contains\":2,\"dependents\":[{\"name\":\"a\","                                                                  \
        "\"required\":[\"x\",\"y\"]},{\"name\":\"b\",\"schema\":3}],\"else\":3,"                                                                  \
        "\"format\":\"date-time\",\"if\":1,\"items\":1,\"max_contains\":4,\"max_items\":3,"                                                       \
        "\"max_length\":\"9007199254740992\",\"max_properties\":6,\"maximum\":\"2.5\","                                                           \
        "\"min_contains\":0,\"min_items\":2,\"min_length\":1,\"min_properties\":5,"                                                               \
        "\"minimum\":\"-1\",\"multiple_of\":\"0.01\",\"name\":\"Account\",\"names\":4,"                                                           \
        "\"never\":true,\"not\":0,\"one_of\":[3,4],\"pattern\":\"^\\\\d+$\","                                                                     \
        "\"patterns\":[{\"pattern\":\"^x-\",\"schema\":4}],\"prefix\":[0],"                                                                       \
        "\"properties\":[{\"name\":\"\",\"schema\":0},{\"name\":\"p\\n\",\"required\":true}],"                                                    \
        "\"ref\":0,\"then\":2,\"types\":[\"boolean\",\"integer\",\"number\",\"array\","                                                           \
        "\"object\"],\"unevaluated_items\":4,\"unevaluated_properties\":0,\"unique\":true,\"values\":[\"\\\"open\\\"\",\"-9223372036854775808\"," \
        "\"{\\\"a\\\\\\\"b\\\":[null,1.50e3],\\\"c\\\":true}\"]}"
#define WORLD_SCHEMAS                                                                              \
        "\"schemas\":[{},{\"ref\":2,\"types\":[\"null\",\"string\"]}," WORLD_SCHEMA ",{},{}]"

#define WORLD_API                                                                                  \
        "{" WORLD_CLASSES "," WORLD_IDENTITIES "," WORLD_OPERATIONS "," WORLD_SCHEMAS              \
        ",\"title\":\"Bank \xc3\xa4\\u0000\",\"version\":\"1.0\"}"
static const struct api world_api = {
        .title = SPAN_INIT("Bank \xc3\xa4\0"),
        .version = SPAN_INIT("1.0"),
        .operations = world_operations,
        .n_operations = 2,
        .identities = world_identities,
        .n_identities = 4,
        .classes = world_classes,
        .n_classes = 2,
        .schemas = { world_schemas, 5 },
};

/* ---- how it is served ---- */

static const struct span world_jwks[] = { SPAN_INIT("192.0.2.7"), SPAN_INIT("2001:db8::7") },
                         world_claims[] = { SPAN_INIT("branch") },
                         world_addresses[] = { SPAN_INIT("10.1.2.3") };
static const struct config_identity world_configured[] = {
        { .scheme = SPAN_INIT("legacy"), .kind = CONFIG_PASS_BASIC },
        { .scheme = SPAN_INIT("machine"),
          .kind = CONFIG_MUTUAL,
          .caller = SPAN_INIT("subject-cn"),
          .ca_file = SPAN_INIT("/etc/assay/ca/partners.pem") },
        { .scheme = SPAN_INIT("partner"),
          .kind = CONFIG_JWT,
          .issuer = SPAN_INIT("i"),
          .audience = SPAN_INIT("a"),
          .algorithms = JWT_RS256,
          .jwks_file = SPAN_INIT("/etc/assay/jwks/bank.json"),
          .caller = SPAN_INIT("sub") },
        { .scheme = SPAN_INIT("token"),
          .kind = CONFIG_JWT,
          .issuer = SPAN_INIT("https://id.example.org"),
          .audience = SPAN_INIT("accounts"),
          .algorithms = JWT_ES256 | JWT_EDDSA,
          .jwks_url = SPAN_INIT("https://id.example.org/keys"),
          .jwks_addresses = world_jwks,
          .n_jwks_addresses = 2,
          .refresh_s = 600,
          .leeway_s = 30,
          .caller = SPAN_INIT("sub"),
          .groups = SPAN_INIT("groups"),
          .claims = world_claims,
          .n_claims = 1 },
};
#define WORLD_CONFIGURED                                                                           \
        "\"identities\":[{\"kind\":\"basic\",\"scheme\":\"legacy\"},"                              \
        "{\"ca\":\"/etc/assay/ca/partners.pem\",\"caller\":\"subject-cn\",\"kind\":\"mutual\","    \
        "\"scheme\":\"machine\"},{\"algorithms\":[\"RS256\"],\"audience\":\"a\","                  \
        "\"caller\":\"sub\",\"issuer\":\"i\",\"jwks_file\":\"/etc/assay/jwks/bank.json\","         \
        "\"kind\":\"jwt\",\"scheme\":\"partner\"},{\"algorithms\":[\"ES256\",\"EdDSA\"],"          \
        "\"audience\":\"accounts\",\"caller\":\"sub\",\"claims\":[\"branch\"],"                    \
        "\"groups\":\"groups\",\"issuer\":\"https://id.example.org\","                             \
        "\"jwks_addresses\":[\"192.0.2.7\",\"2001:db8::7\"],"                                      \
        "\"jwks_url\":\"https://id.example.org/keys\",\"kind\":\"jwt\",\"leeway\":30,"             \
        "\"refresh\":600,\"scheme\":\"token\"}]"

static const struct config_class world_masks[] = {
        { SPAN_INIT("pan"), MASK_LAST4, true },
        { SPAN_INIT("pii.name"), MASK_DATE_YEAR, false },
};
static const struct config_limit world_limits[] = {
        { SPAN_INIT("*"), 100, 1, 7, 0, 0 },
        { SPAN_INIT("getAccount"), 10, 2, 20, 5000, 86400 },
};
static const struct config_cache world_caches[] = { { SPAN_INIT("getAccount"), 60, true } };
#define WORLD_BACKEND                                                                              \
        "\"backend\":{\"addresses\":[\"10.1.2.3\"],\"base\":\"/api\",\"ca\":\"/etc/ca.pem\","      \
        "\"connect_ms\":2000,\"host\":\"accounts.internal\",\"port\":8443,\"read_ms\":10000,"      \
        "\"tls\":true,\"tls_name\":\"accounts.example\"}"
#define WORLD_LIMITS                                                                               \
        "\"limits\":[{\"burst\":7,\"operation\":\"*\",\"per\":1,\"rate\":100},{\"burst\":20,"      \
        "\"operation\":\"getAccount\",\"per\":2,\"quota\":5000,\"quota_s\":86400,\"rate\":10}]"
#define WORLD_CONFIG                                                                               \
        "{" WORLD_BACKEND ",\"base\":\"/bank/v1\",\"caches\":[{\"by_rights\":true,"                \
        "\"operation\":\"getAccount\",\"seconds\":60}],\"classes\":[{\"digest\":true,"             \
        "\"mask\":\"last4\",\"name\":\"pan\"},{\"mask\":\"date-year\",\"name\":\"pii.name\"}],"    \
        "\"depth\":32," WORLD_CONFIGURED "," WORLD_LIMITS                                          \
        ",\"name\":\"accounts\",\"request\":65536,\"response\":1048576}"
static const struct config world_config = {
        .name = SPAN_INIT("accounts"),
        .base = SPAN_INIT("/bank/v1"),
        .identities = world_configured,
        .n_identities = 4,
        .classes = world_masks,
        .n_classes = 2,
        .limits = world_limits,
        .n_limits = 2,
        .caches = world_caches,
        .n_caches = 1,
        .request_max = 65536,
        .response_max = 1048576,
        .depth_max = 32,
        .backend = { .tls = true,
                     .host = SPAN_INIT("accounts.internal"),
                     .port = 8443,
                     .base = SPAN_INIT("/api"),
                     .addresses = world_addresses,
                     .n_addresses = 1,
                     .ca_file = SPAN_INIT("/etc/ca.pem"),
                     .tls_name = SPAN_INIT("accounts.example"),
                     .connect_ms = 2000,
                     .read_ms = 10000 },
};

#define WORLD "{\"api\":" WORLD_API ",\"config\":" WORLD_CONFIG "}"

#endif
