/* SPDX-License-Identifier: Apache-2.0 */
#include "model_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

enum { OUT_MAX = 64 << 20 };

/* As it lies in a package of just its size. */
static int get(struct span s, struct api **api, struct config *config, struct err *err)
{
        static uint8_t *copy;

        free(copy);
        copy = malloc(s.n ? s.n : 1);
        assert_non_null(copy);
        memcpy(copy, s.p, s.n);
        return model_get(span_of(copy, s.n), api, config, err);
}

static void a_model_is_spelled_so(void **state)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX);
        struct err err = { 0 };

        (void)state;
        assert_int_equal(model_put(&out, &world_api, &world_config, &err), 0);
        assert_string_equal(buf_cstr(&out), WORLD);
}

static void what_was_read_is_written_the_same(void **state)
{
        static const char *const rows[] = {
                WORLD,
                "{\"api\":{},\"config\":{\"backend\":{\"unix\":\"/run/a\"},\"depth\":1,"
                "\"name\":\"a\",\"request\":0,\"response\":0}}",
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX);
                CLEANUP(api_freep) struct api *api = NULL;
                struct config config;
                struct err err = { 0 };

                if (get(span_str(rows[i]), &api, &config, &err) < 0)
                        fail_msg("%s", err.text);
                assert_int_equal(model_put(&out, api, &config, &err), 0);
                assert_string_equal(buf_cstr(&out), rows[i]);
        }
}

/* What is not said is what the headers say, not 0. */
static void members_have_their_defaults(void **state)
{
        CLEANUP(api_freep) struct api *api = NULL;
        const struct api_operation *ping;
        const struct api_schema *s;
        struct config config;

        (void)state;
        assert_int_equal(get(SPAN(WORLD), &api, &config, NULL), 0);
        ping = api_operation(api, SPAN("ping"));
        assert_non_null(ping);
        assert_true(ping->object.parameter == API_NONE && !ping->request && ping->n_reads == 0);
        s = &api->schemas.at[0];
        assert_int_equal(s->types, API_ANY);
        assert_true(s->ref == API_NONE && s->items == API_NONE && s->contains == API_NONE);
        assert_true(s->additional == API_NONE && s->names == API_NONE && s->not_of == API_NONE);
        assert_true(s->unevaluated_items == API_NONE && s->unevaluated_properties == API_NONE);
        assert_true(s->if_of == API_NONE && s->then_of == API_NONE && s->else_of == API_NONE);
        assert_true(s->max_length == UINT64_MAX && s->max_items == UINT64_MAX);
        assert_true(s->max_contains == UINT64_MAX && s->max_properties == UINT64_MAX);
        assert_int_equal(s->min_contains, 1);
        assert_true(span_eq_str(api->schemas.at[2].values[2].members[0].key, "a\"b"));
        assert_true(config.n_limits == 2 && config.limits[1].quota_s == 86400);
}

/* ---- refusals ---- */

/* `with` instead of the first `find` behind the first `behind`. */
static void edit(struct buf *out, const char *behind, const char *find, const char *with)
{
        const char *at = strstr(WORLD, behind);

        at = at ? strstr(at, find) : NULL;
        if (!at)
                fail_msg("%s ... %s: not there", behind, find);
        buf_clear(out);
        buf_put(out, span_of(WORLD, (size_t)(at - WORLD)));
        buf_put_str(out, with);
        buf_put_str(out, at + strlen(find));
        assert_int_equal(buf_status(out), 0);
}

/* WORLD changed in one place; says NULL: it is a model all the same. */
struct changed {
        const char *behind, *find, *with, *says;
};

static void judge(const struct changed *rows, size_t n)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(OUT_MAX);

        for (size_t i = 0; i < n; i++) {
                struct err err = { 0 };
                struct config config;
                struct api *api = NULL;
                int r;

                edit(&text, rows[i].behind, rows[i].find, rows[i].with);
                r = get(buf_span(&text), &api, &config, &err);
                if (rows[i].says ? r != -EINVAL || !strstr(err.text, rows[i].says) : r != 0)
                        fail_msg("%s -> %s: %d %s", rows[i].find, rows[i].with, r, err.text);
                api_free(api);
        }
}

static void models_of_other_members_are_refused(void **state)
{
        static const struct changed rows[] = {
                /* no JSON of this kind */
                { "", "{\"api\"", " {\"api\"", "byte 0: " },
                { "", "\"config\":{", "\"config\": {", "blank" },
                { "", "\"seconds\":60}]", "\"seconds\":60}", "byte " },
                { "", "\"api\":", "\"apj\":", "its members are not api and config" },
                { "", ",\"config\":" WORLD_CONFIG, "", "its members are not api and config" },
                { "", "\"response\":1048576}", "\"response\":1048576},\"x\":0", "its members are" },
                { "", "\"config\":" WORLD_CONFIG, "\"config\":[]", "config: no object" },
                /* members */
                { "", "\"title\":\"Bank", "\"tidle\":\"Bank", "no member is called tidle" },
                { "", "{\"classes\"", "{\"a\":0,\"classes\"", "no member is called a" },
                { "", ",\"version\":\"1.0\"", ",\"version\":\"1.0\",\"w\":1", "is called w" },
                { WORLD_PING, "\"id\":\"ping\",", "", "operations[1].id: missing" },
                { WORLD_PING, "\"ping\",", "\"ping\",\"j\":0,", "operations[1]: no member is" },
                { "\"depth\"", "\"depth\":32,", "", "config.depth: missing" },
                { "", WORLD_BACKEND ",", "", "config.backend: missing" },
                /* defaults that are said */
                { "", "\"title\":\"Bank \xc3\xa4\\u0000\"", "\"title\":\"\"",
                  "title: what it is without being said" },
                { WORLD_PING, "]}", "],\"tags\":[]}", "operations[1].tags: empty lists are not" },
                { WORLD_PING, "\"path\"", "\"object\":{},\"path\"", "operations[1].object: what" },
                { "\"schemas\":[", "{}",
                  "{\"types\":[\"null\",\"boolean\",\"integer\",\"number\","
                  "\"string\",\"array\",\"object\"]}",
                  "schemas[0].types: what it is" },
                { "\"schemas\":[", "{}", "{\"never\":false}", "schemas[0].never: what it is" },
                { "\"schemas\":[", "{}", "{\"format\":\"none\"}", "schemas[0].format: what it" },
                { "\"schemas\":[", "{}", "{\"min_contains\":1}", "schemas[0].min_contains: what" },
                { "\"schemas\":[", "{}", "{\"max_items\":\"18446744073709551615\"}",
                  "schemas[0].max_items: what it is" },
                { "\"schemas\":[", "{}", "{\"ref\":4294967295}", "schemas[0].ref: 4294967295, of" },
                /* kinds of values */
                { "", "\"title\":\"Bank \xc3\xa4\\u0000\"", "\"title\":7", "title: no string" },
                { "", WORLD_CLASSES, "\"classes\":{}", "classes: no list" },
                { "", WORLD_CLASSES, "\"classes\":[1]", "classes[0]: no string" },
                { "\"schemas\":[", "{}", "[]", "schemas[0]: no object" },
                { "\"schemas\":[", "{}", "{\"never\":1}", "schemas[0].never: neither true nor" },
                { "\"schemas\":[", "{}", "{\"min_items\":-1}", "schemas[0].min_items: no whole" },
                { "\"schemas\":[", "{}", "{\"min_items\":\"7\"}",
                  "schemas[0].min_items: no whole" },
                { "\"schemas\":[", "{}", "{\"min_items\":\"9007199254740991\"}", "no whole" },
                { "\"schemas\":[", "{}", "{\"min_items\":\"18446744073709551616\"}", "no whole" },
                { "\"schemas\":[", "{}", "{\"types\":\"null\"}", "schemas[0].types: no list" },
                { "\"schemas\":[", "{}", "{\"types\":[\"text\"]}", "schemas[0].types: none of" },
                { "\"schemas\":[", "{}", "{\"types\":[\"string\",\"null\"]}", "types: not in" },
                { "\"schemas\":[", "{}", "{\"types\":[\"null\",\"null\"]}", "types: not in order" },
                { "\"schemas\":[", "{}", "{\"format\":\"when\"}", "schemas[0].format: none of" },
                { "\"schemas\":[", "{}", "{\"format\":1}", "schemas[0].format: none of" },
                { "\"schemas\":[", "{}", "{\"minimum\":\"x\"}", "schemas[0].minimum: no number" },
                { "\"schemas\":[", "{}", "{\"minimum\":\" 1\"}", "schemas[0].minimum: no number" },
                { "\"schemas\":[", "{}", "{\"minimum\":\"1 \"}", "schemas[0].minimum: no number" },
                { "\"schemas\":[", "{}", "{\"minimum\":\"01\"}", "schemas[0].minimum: no number" },
                { "\"schemas\":[", "{}", "{\"minimum\":\"1.\"}", "schemas[0].minimum: no number" },
                { "\"schemas\":[", "{}", "{\"minimum\":\"-\"}", "schemas[0].minimum: no number" },
                { "\"schemas\":[", "{}", "{\"minimum\":1}", "schemas[0].minimum: no string" },
                { "\"schemas\":[", "{}",
                  "{\"minimum\":\"11111111111111111111111111111111111111111111111111111111111111111"
                  "\"}",
                  "schemas[0].minimum: longer than 64 bytes" },
                { "\"schemas\":[", "{}", "{\"multiple_of\":\"0.0e5\"}", "no number above 0" },
                { "\"schemas\":[", "{}", "{\"multiple_of\":\"-1\"}", "no number above 0" },
                { "\"schemas\":[", "{}", "{\"values\":[1]}", "schemas[0].values[0]: no string" },
                { "\"schemas\":[", "{}", "{\"values\":[\"\"]}", "schemas[0].values[0]: line 1" },
                { "\"schemas\":[", "{}", "{\"values\":[\" 1\"]}", "not in its one spelling" },
                { "\"schemas\":[", "{}", "{\"values\":[\"-0\"]}", "not in its one spelling" },
                { "\"schemas\":[", "{}", "{\"values\":[\"{\\\"b\\\":1,\\\"a\\\":1}\"]}",
                  "not in its one spelling" },
                { "\"schemas\":[", "{}", "{\"values\":[\"\\\"\\\\u0061\\\"\"]}", "one spelling" },
                { "\"schemas\":[", "{}", "{\"values\":[\"{\\\"a\\\":1,\\\"a\\\":1}\"]}", "twice" },
                { "\"operations\":", "\"GET\"", "\"get\"", "operations[0].method: none of the" },
                { "\"operations\":", "\"in\":\"path\"", "\"in\":\"body\"",
                  "parameters[0].in: none" },
                { "\"operations\":", "getAccount", "get Account", "operations[0].id: no operat" },
                { "\"operations\":", "getAccount", "", "operations[0].id: no operationId" },
                { "\"operations\":", "\"/acc%20", "\"acc%20", "operations[0].path: no path" },
                { "\"operations\":", "application/json", "Application/json", "no media type" },
                { "\"operations\":", "application/json", "json", "no media type" },
                { "\"operations\":", "\"status\":404", "\"status\":600", "status: more than 599" },
                { "\"operations\":", "\"status\":404", "\"status\":99",
                  "responses[2].status: none" },
                { "\"operations\":", "\"status\":404", "\"status\":6",
                  "responses[2].status: none" },
                { "\"operations\":", "\"status\":2}", "\"status\":1}",
                  "responses[1].status: none" },
                { "\"operations\":", "{\"type\":\"text/plain\"}",
                  "{\"schema\":1,\"type\":\"text/plain\"}",
                  "responses[1].media[1].schema: of what is no JSON" },
                { "\"request\":", "\"json\":true,\"schema\":1,", "",
                  "operations[0].request.media: not all" },
                { "\"etag\"", "application/json", "z/json", "responses[1].media[1]: not in order" },
                { "\"operations\":", "\"in\":\"header\"", "\"explode\":true,\"in\":\"header\"",
                  "parameters[2].explode: of queries" },
        };

        (void)state;
        judge(rows, ARRAY_LEN(rows));
}

static void places_beyond_their_lists_are_refused(void **state)
{
        static const struct changed rows[] = {
                { "\"operations\":", "\"required\":true,\"schema\":1",
                  "\"required\":true,\"schema\":5", "parameters[0].schema: 5, of 5 there are" },
                { "\"operations\":", ",\"schema\":2", "", "parameters[1].schema: missing" },
                { "\"operations\":", "\"schema\":2", "\"schema\":-1", "no place in a list" },
                { "\"operations\":", "\"schema\":2", "\"schema\":\"2\"", "no place in a list" },
                { "\"operations\":", "\"reads\":[0,1]", "\"reads\":[0,2]", "reads[1]: 2, of 2" },
                { "\"operations\":", "\"writes\":[1]", "\"writes\":[2]", "writes[0]: 2, of 2" },
                { "\"operations\":", "[1,3]}]", "[1,4]}]", "security[1].schemes[1]: 4, of 4" },
                { "\"operations\":", "[1,3]}]", "[3,1]}]", "security[1].schemes[1]: not in order" },
                { "\"schemas\":", "\"ref\":2", "\"ref\":5", "schemas[1].ref: 5, of 5" },
                { "\"above\"", "\"unevaluated_items\":4", "\"unevaluated_items\":5",
                  "unevaluated_items: 5, of 5" },
                { "\"above\"", "\"unevaluated_properties\":0", "\"unevaluated_properties\":-1",
                  "unevaluated_properties: " },
                { "\"above\"", "\"additional\":3", "\"additional\":5", "additional: 5, of 5" },
                { "\"above\"", "\"all_of\":[1,0]", "\"all_of\":[1,5]", "all_of[1]: 5, of 5" },
                { "\"above\"", "\"any_of\":[2]", "\"any_of\":[5]", "any_of[0]: 5, of 5" },
                { "\"above\"", "\"contains\":2", "\"contains\":5", "contains: 5, of 5" },
                { "\"above\"", "\"schema\":3", "\"schema\":5", "dependents[1].schema: 5, of 5" },
                { "\"above\"", "\"else\":3", "\"else\":5", "else: 5, of 5" },
                { "\"above\"", "\"if\":1", "\"if\":5", "if: 5, of 5" },
                { "\"above\"", "\"items\":1", "\"items\":5", "items: 5, of 5" },
                { "\"above\"", "\"names\":4", "\"names\":5", "names: 5, of 5" },
                { "\"above\"", "\"not\":0", "\"not\":5", "not: 5, of 5" },
                { "\"above\"", "\"one_of\":[3,4]", "\"one_of\":[3,5]", "one_of[1]: 5, of 5" },
                { "\"patterns\"", "\"schema\":4", "\"schema\":5", "patterns[0].schema: 5, of 5" },
                { "\"patterns\"", "\"prefix\":[0]", "\"prefix\":[5]", "prefix[0]: 5, of 5" },
                { "\"properties\"", "\"schema\":0", "\"schema\":5", "properties[0].schema: 5, of" },
                { "\"properties\"", "\"then\":2", "\"then\":5", "then: 5, of 5" },
                { "\"request\"", "\"schema\":1", "\"schema\":5", "request.media[0].schema: 5" },
                { "\"etag\"", "\"schema\":2", "\"schema\":5", "headers[0].schema: 5, of 5" },
        };

        (void)state;
        judge(rows, ARRAY_LEN(rows));
}

static void other_orders_are_refused(void **state)
{
        static const struct changed rows[] = {
                { "", "[\"pan\",\"pii.name\"]", "[\"pii.name\",\"pan\"]", "classes[1]: not in" },
                { "", "[\"pan\",\"pii.name\"]", "[\"pan\",\"pan\"]", "classes[1]: not in order" },
                { "", "[\"pan\",\"pii.name\"]", "[\"pan\",\"pii..name\"]", "[1]: no data class" },
                { "", "[\"pan\",\"pii.name\"]", "[\"pan\",\"pii.\"]", "classes[1]: no data class" },
                { "", "[\"pan\",\"pii.name\"]", "[\"pan\",\"Pii\"]", "classes[1]: no data class" },
                { "", "\"name\":\"machine\"", "\"name\":\"a\"", "identities[1]: not in order" },
                { WORLD_PING, "\"ping\"", "\"a\"", "operations[1]: not in order, or twice" },
                { "", "\"name\":\"limit\"", "\"name\":\"zz\"", NULL },
                { "", "\"in\":\"header\"", "\"in\":\"path\"", "parameters[2].required: a param" },
                { "", "\"in\":\"cookie\"", "\"in\":\"query\"", "parameters[3]: not in order" },
                { "", "\"reads\":[0,1]", "\"reads\":[1,0]", "reads[1]: not in order" },
                { "", "\"reads\":[0,1]", "\"reads\":[1,1]", "reads[1]: not in order" },
                { "", "\"status\":404", "\"status\":2", "responses[2]: not in order" },
                { "", "[\"read only\",\"z\"]", "[\"z\",\"read only\"]", "tags[1]: not in order" },
                { "\"dependents\"", "\"a\"", "\"c\"", "dependents[1]: not in order" },
                { "\"properties\"", "\"name\":\"\"", "\"name\":\"q\"", "properties[1]: not in" },
                { "\"config\"", "\"legacy\"", "\"zz\"", "config.identities[0].scheme: the API" },
                { "\"config\"", "\"operation\":\"*\"", "\"operation\":\"ping\"", "limits[1]: not" },
        };

        (void)state;
        judge(rows, ARRAY_LEN(rows));
}

static void what_does_not_belong_together_is_refused(void **state)
{
        static const struct changed rows[] = {
                { "", "\"class\":\"pii.name\"", "\"class\":\"pii.ssn\"",
                  "schemas[2].class: none of the API's classes" },
                { "", "\"reads\":[0,1]", "\"reads\":[1]", NULL },
                { "", "\"reads\":[0,1]", "\"reads\":[0]",
                  "operations[0].reads: not all classes that an answer may have" },
                { "", "\"reads\":[0,1],", "", "operations[0].reads: not all classes that" },
                { "", "\"writes\":[1]", "\"writes\":[0]",
                  "operations[0].writes: not all classes that a request may have" },
                { "", ",\"writes\":[1]", "", "operations[0].writes: not all classes that" },
                { "", "{\"parameter\":true,\"text\":\"accountId\"}",
                  "{\"parameter\":true,\"text\":\"id\"}",
                  "operations[0].segments: not those of the path" },
                { "", "{\"parameter\":true,\"text\":\"accountId\"}", "{\"text\":\"{accountId}\"}",
                  "segments: not those of the path" },
                { "", "{\"text\":\"acc ounts\"},", "",
                  "operations[0].segments: not those of the path" },
                { "", "{\"text\":\"acc ounts\"}", "{\"text\":\"acc ounts\"},{\"text\":\"\"}",
                  "segments: not those of the path" },
                { "", "\"/acc%20ounts/{accountId}\"", "\"/acc%20ounts/{accountId}/\"",
                  "segments: not those of" },
                { "", "\"/acc%20ounts/{accountId}\"", "\"/acc%2ounts/{accountId}\"",
                  "segments: not those of" },
                { "", "\"/acc%20ounts/{accountId}\"", "\"/acc%20ount/{accountId}\"",
                  "segments: not those of" },
                { "", "\"/acc%20ounts/{accountId}\"", "\"/acc%20ountss/{accountId}\"",
                  "segments: not those of" },
                { "", "\"/acc%20ounts/{accountId}\"", "\"/acc ounts/{accountId}\"", NULL },
                { "\"parameters\"", "\"in\":\"path\"", "\"in\":\"query\"",
                  "segments: not those of its parameters" },
                { "\"parameters\"", "\"explode\":true,\"in\":\"query\",\"name\":\"limit\"",
                  "\"in\":\"path\",\"name\":\"limit\",\"required\":true",
                  "segments: not those of its parameters" },
                { "", "\"name\":\"accountId\",\"required\":true", "\"name\":\"accountId\"",
                  "parameters[0].required: a parameter of a path always is" },
                { "", "\"name\":\"x-branch\"", "\"name\":\"X-Branch\"",
                  "parameters[2].name: not as headers" },
                { "", "\"name\":\"x-branch\"", "\"name\":\"x branch\"",
                  "parameters[2].name: not as headers" },
                { "", "\"name\":\"seen\"", "\"name\":\"se=en\"",
                  "parameters[3].name: not as headers and cookies" },
                { "", "\"name\":\"x-branch\"", "\"name\":\"host\"",
                  "operations[0].parameters: a header that no caller may send" },
                { "", "\"object\":{\"parameter\":0,", "\"object\":{", "object: a type and a" },
                { "", ",\"type\":\"Account\"}", "}", "operations[0].object: a type and a" },
                { "", "\"object\":{\"parameter\":0,", "\"object\":{\"parameter\":4,",
                  "operations[0].object: the parameter is none" },
                { "", "\"object\":{\"parameter\":0,", "\"object\":{\"parameter\":1,",
                  "operations[0].object: the parameter is not required" },
                { "\"headers\"", "\"header\"", "\"cookie\"", "responses[1].headers: not all are" },
                { "", "\"type\":\"Account\"", "\"type\":\"Api\"",
                  "operations[0].object.type: no entity type" },
                { "", "\"type\":\"Account\"", "\"type\":\"A; entity B\"",
                  "object.type: no entity type" },
                { "\"config\"", "\"scheme\":\"legacy\"", "\"scheme\":\"l\"", "the API has none" },
                { "\"config\"", "\"kind\":\"basic\"", "\"kind\":\"bearer\"",
                  "config.identities[0].kind: the API's scheme is of another" },
                { "\"config\"", "\"kind\":\"mutual\"", "\"kind\":\"opaque\"", "is of another" },
                { "\"config\"", "{\"kind\":\"basic\",\"scheme\":\"legacy\"},", "",
                  "config.identities: not those of the API" },
                { "\"config\"", "\"algorithms\":[\"RS256\"],", "",
                  "config.identities[2].algorithms: missing" },
                { "\"config\"", "\"algorithms\":[\"RS256\"],", "\"algorithms\":[\"none\"],",
                  "none of the names" },
                { "\"config\"", "\"audience\":\"a\",", "",
                  "config.identities[2].audience: missing" },
                { "\"config\"", "\"caller\":\"sub\",", "", "config.identities[2].caller: missing" },
                { "\"config\"", "\"issuer\":\"i\",", "", "config.identities[2].issuer: missing" },
                { "\"config\"", "\"jwks_file\":\"/etc/assay/jwks/bank.json\",", "",
                  "identities[2]: keys in a file or" },
                { "\"config\"", "bank.json\"", "bank.json\",\"jwks_url\":\"https://a/\"",
                  "identities[2]: keys in" },
                { "\"config\"", ",\"refresh\":600", "", "config.identities[3].refresh: missing" },
                { "\"config\"", "\"192.0.2.7\"", "\"192.0.2\"", "jwks_addresses[0]: no IPv4" },
                { "\"config\"", "\"ca\":\"/etc/assay/ca/partners.pem\",", "",
                  "config.identities[1].ca: missing" },
                { "\"config\"", "subject-cn", "subject-on",
                  "config.identities[1].caller: neither" },
                { "\"config\"", ",\"seconds\":60", "", "config.caches[0].seconds: missing" },
                { "\"config\"", "\"addresses\":[\"10.1.2.3\"],", "",
                  "backend.addresses: missing: the host is" },
                { "\"config\"", "\"10.1.2.3\"", "\"10.1.2.3.4\"", "backend.addresses[0]: no IPv4" },
                { "\"config\"", ",\"tls_name\":\"accounts.example\"", "",
                  "config.backend.tls_name: missing" },
                { "\"schemes\":", "[1,3]", "[0,3]",
                  "config.caches[0].by_rights: callers show their own" },
                { "\"config\"", "\"mask\":\"last4\"", "\"mask\":\"last5\"", "mask: none of the" },
                { "\"config\"", "{\"digest\":true,\"mask\":\"last4\",\"name\":\"pan\"},", "",
                  "config.classes: not those of the API" },
                { "\"config\"", "\"name\":\"pan\"", "\"name\":\"pbn\"",
                  "config.classes: not those" },
                { "\"config\"", "\"operation\":\"getAccount\"", "\"operation\":\"ping\"",
                  "config.caches[0].operation: not a GET" },
                { "\"config\"", "\"operation\":\"getAccount\"", "\"operation\":\"x\"",
                  "config.caches[0].operation: the API has none of this name" },
                { "\"limits\"", "\"operation\":\"getAccount\"", "\"operation\":\"x\"",
                  "config.limits[1].operation: the API has none of this name" },
                { "\"limits\"", "\"per\":1,", "", "config.limits[0].rate: with a time" },
                { "\"limits\"", ",\"quota_s\":86400", "", "config.limits[1].quota: with a time" },
                { "\"config\"", "\"host\":\"accounts.internal\",", "", "backend: a socket or a" },
                { "\"config\"", ",\"tls_name\"", ",\"unix\":\"/a\",\"tls_name\"", "byte " },
                { "\"config\"", "accounts.example\"", "accounts.example\",\"unix\":\"/a\"",
                  "config.backend: a socket or a host" },
                { "\"config\"", "\"port\":8443,", "", "config.backend.port: with a host" },
                { "\"config\"", "\"port\":8443,", "\"port\":65536,", "port: more than 65535" },
                { "\"config\"", "\"base\":\"/api\"", "\"base\":\"/api/\"",
                  "backend.base: no words" },
                { "\"config\"", "\"base\":\"/bank/v1\"", "\"base\":\"/\"",
                  "config.base: no words" },
                { "\"config\"", "\"depth\":32", "\"depth\":0", "config.depth: 0" },
                { "\"config\"", "\"depth\":32", "\"depth\":129", "config.depth: more than 128" },
                { "\"config\"", "\"request\":65536", "\"request\":67108865",
                  "request: more than 67108864" },
                { "\"config\"", "\"name\":\"accounts\"", "\"name\":\"Accounts\"",
                  "config.name: no" },
        };

        (void)state;
        judge(rows, ARRAY_LEN(rows));
}

#define CONFIG_OF(backend)                                                                         \
        "\"config\":{\"backend\":{" backend                                                        \
        "},\"depth\":1,\"name\":\"a\",\"request\":0,\"response\":0}}"
#define UNIX CONFIG_OF("\"unix\":\"/a\"")
#define ONE(id, method, name)                                                                      \
        "{\"id\":\"" id "\",\"method\":\"" method "\",\"parameters\":[{\"in\":\"path\","           \
        "\"name\":\"" name "\",\"required\":true,\"schema\":0}],\"path\":\"/{" name "}\","         \
        "\"segments\":[{\"parameter\":true,\"text\":\"" name "\"}]}"
#define TWO(a, b) "{\"api\":{\"operations\":[" a "," b "],\"schemas\":[{}]},"

static void what_does_not_go_together_is_refused(void **state)
{
        static const struct {
                const char *text, *says;
        } rows[] = {
                { TWO(ONE("a", "GET", "x"), ONE("b", "PUT", "x")) UNIX, NULL },
                { TWO(ONE("a", "GET", "x"), ONE("b", "GET", "x")) UNIX,
                  "operations: a and b: the same requests fit both" },
                { TWO(ONE("a", "GET", "x"), ONE("b", "PUT", "y")) UNIX,
                  "operations: a and b: the same requests fit both" },
                { "{\"api\":{}," CONFIG_OF("\"host\":\"::1\",\"port\":1"), NULL },
                { "{\"api\":{}," CONFIG_OF("\"host\":\"a\",\"port\":1"), "addresses: missing" },
                { "{\"api\":{}," CONFIG_OF("\"tls\":true,\"tls_name\":\"a\",\"unix\":\"/a\""),
                  "config.backend.tls: with a host only" },
                { "{\"api\":{}," CONFIG_OF("\"port\":1,\"unix\":\"/a\""),
                  "config.backend.port: with a host, and only there" },
                { "{\"api\":{}," CONFIG_OF(""), "config.backend: a socket or a host" },
                { "{\"api\":{}," CONFIG_OF(
                          "\"unix\":\"/0000000000000000000000000000000000000000000000000000000000"
                          "0000000000000000000000000000000000000000000000000\""),
                  "config.backend.unix: longer than a socket's path may be" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct err err = { 0 };
                struct config config;
                struct api *api = NULL;
                int r = get(span_str(rows[i].text), &api, &config, &err);

                if (rows[i].says ? r != -EINVAL || !strstr(err.text, rows[i].says) : r != 0)
                        fail_msg("%s: %d %s", rows[i].text, r, err.text);
                api_free(api);
        }
}

/* ---- ceilings ---- */

/* n times `one`, in which # is the number, instead of find. */
static int get_many(const char *behind, const char *find, const char *one, unsigned n,
                    struct err *err)
{
        CLEANUP(buf_done) struct buf list = BUF_INIT(OUT_MAX), text = BUF_INIT(OUT_MAX);
        CLEANUP(api_freep) struct api *api = NULL;
        struct config config;

        for (unsigned i = 0; i < n; i++) {
                buf_put_str(&list, i ? "," : "");
                for (const char *c = one; *c; c++) {
                        if (*c == '#')
                                buf_printf(&list, "%05u", i);
                        else
                                buf_put_byte(&list, (uint8_t)*c);
                }
        }
        edit(&text, behind, find, buf_cstr(&list));
        return get(buf_span(&text), &api, &config, err);
}

static void ceilings_hold(void **state)
{
        struct err err = { 0 };

        (void)state;
        assert_int_equal(get_many("\"schemas\"", "{}", "{}", API_SCHEMAS_MAX, &err), -EINVAL);
        assert_string_equal(err.text, "schemas: more than 100000");
        assert_int_equal(get_many("\"schemas\"", "{}", "{}", API_SCHEMAS_MAX - 4, &err), 0);
        assert_int_equal(get_many("\"tags\"", "\"read only\",\"z\"", "\"#\"", 65, &err), -EINVAL);
        assert_string_equal(err.text, "operations[0].tags: more than 64");
        assert_int_equal(get_many("", "\"pan\",\"pii.name\"", "\"a#\"", 257, &err), -EINVAL);
        assert_string_equal(err.text, "classes: more than 256");
        assert_int_equal(
                get_many("\"segments\"", "{\"text\":\"acc ounts\"}", "{\"text\":\"#\"}", 64, &err),
                -EINVAL);
        assert_string_equal(err.text, "operations[0].segments: more than 64");
}

/* So many bytes of names that an entry would have no room for all of them. */
static void names_of_classes_have_a_ceiling(void **state)
{
        CLEANUP(buf_done) struct buf list = BUF_INIT(OUT_MAX), text = BUF_INIT(OUT_MAX);
        struct err err = { 0 };
        struct config config;
        struct api *api;

        (void)state;
        for (unsigned i = 0; i < 250; i++)
                buf_printf(&list, "\"c%0100u\",", i);
        buf_put_str(&list, "\"pan\",\"pii.name\"");
        edit(&text, "", "\"pan\",\"pii.name\"", buf_cstr(&list));
        assert_int_equal(get(buf_span(&text), &api, &config, &err), -EINVAL);
        assert_string_equal(err.text, "classes: names of more than 24 KiB");
}

/* Schemas are some 500 bytes each, whatever little is said of them: with as many values as fit, the
 * model would be larger than the text by far. */
static void memory_has_a_ceiling(void **state)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(OUT_MAX);
        CLEANUP(api_freep) struct api *api = NULL;
        struct config config;
        struct err err = { 0 };

        (void)state;
        buf_put_str(&text, "{\"api\":{\"schemas\":[");
        for (unsigned i = 0; i < 2800; i++) {
                buf_put_str(&text, i ? ",{\"values\":[" : "{\"values\":[");
                for (unsigned j = 0; j < API_VALUES_MAX; j++)
                        buf_put_str(&text, j ? ",\"0\"" : "\"0\"");
                buf_put_str(&text, "]}");
        }
        buf_put_str(&text, "]},\"config\":{}}");
        assert_int_equal(buf_status(&text), 0);
        assert_int_equal(get(buf_span(&text), &api, &config, &err), -E2BIG);
        assert_string_equal(err.text, "the model takes more than 256 MiB");
}

static void a_writer_has_ceilings(void **state)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX), small = BUF_INIT(500);
        struct span *names = calloc(API_CLASSES_MAX + 1, sizeof *names);
        struct api api = world_api;
        struct err err = { 0 };

        (void)state;
        assert_non_null(names);
        api.classes = names;
        api.n_classes = API_CLASSES_MAX + 1;
        assert_int_equal(model_put(&out, &api, &world_config, &err), -E2BIG);
        assert_string_equal(err.text, "classes: more than 256");
        assert_int_equal(model_put(&small, &world_api, &world_config, &err), -E2BIG);
        free(names);
}

static void memory_may_fail(void **state)
{
        (void)state;
        for (size_t nth = 1, done = 0; !done; nth++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(OUT_MAX);
                CLEANUP(api_freep) struct api *api = NULL;
                struct config config;
                int got, put;

                alloc_fail_nth = nth;
                got = model_get(SPAN(WORLD), &api, &config, NULL);
                put = model_put(&out, &world_api, &world_config, NULL);
                done = alloc_fail_nth > 0;
                alloc_fail_nth = 0;
                assert_true(got == 0 || got == -ENOMEM);
                assert_true(put == 0 || put == -ENOMEM);
                assert_int_equal(done, got == 0 && put == 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_model_is_spelled_so),
                cmocka_unit_test(what_was_read_is_written_the_same),
                cmocka_unit_test(members_have_their_defaults),
                cmocka_unit_test(models_of_other_members_are_refused),
                cmocka_unit_test(places_beyond_their_lists_are_refused),
                cmocka_unit_test(other_orders_are_refused),
                cmocka_unit_test(what_does_not_belong_together_is_refused),
                cmocka_unit_test(what_does_not_go_together_is_refused),
                cmocka_unit_test(ceilings_hold),
                cmocka_unit_test(names_of_classes_have_a_ceiling),
                cmocka_unit_test(memory_has_a_ceiling),
                cmocka_unit_test(a_writer_has_ceilings),
                cmocka_unit_test(memory_may_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
