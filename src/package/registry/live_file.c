/* SPDX-License-Identifier: Apache-2.0 */
/* live_file.c - the text of a generation.  Floor 2, pure.  SECURITY: reads what whoever may deploy
 * has written. */
#include "package/registry/live.h"

#include "base/text.h"
#include "wire/json.h"

static int check_api(const struct live_api *apis, uint32_t i, int code, struct err *err)
{
        const struct live_api *a = &apis[i];

        if (!package_api_ok(a->name))
                return err_set(err, code, "apis[%u]: no name of an API", i);
        if (!package_version_ok(a->version))
                return err_set(err, code, "apis[%u]: no version", i);
        if (i > 0 && span_cmp(apis[i - 1].name, a->name) >= 0)
                return err_set(err, code, "apis[%u]: not in order of names", i);
        return 0;
}

/* ---- writing ---- */

static void put_api(struct json_writer *w, const struct live_api *a)
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(a->sha256, sizeof a->sha256), hex);
        json_begin_array(w);
        json_put_string(w, a->name);
        json_put_string(w, a->version);
        json_put_string(w, span_str(hex));
        json_end_array(w);
}

int live_put(struct buf *out, uint64_t generation, const struct live_api *apis, uint32_t n,
             struct err *err)
{
        struct json_writer w;
        int r = 0;

        if (generation == 0 || generation > JSON_INT_MAX)
                return err_set(err, -EINVAL, "generation: none has this number");
        if (n > LIVE_APIS_MAX)
                return err_set(err, -E2BIG, "apis: %u of them, at most %d are served", n,
                               LIVE_APIS_MAX);
        for (uint32_t i = 0; r == 0 && i < n; i++)
                r = check_api(apis, i, -EINVAL, err);
        if (r < 0)
                return r;
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "apis");
        json_begin_array(&w);
        for (uint32_t i = 0; i < n; i++)
                put_api(&w, &apis[i]);
        json_end_array(&w);
        json_member_int(&w, "generation", (int64_t)generation);
        json_end_object(&w);
        buf_put_byte(out, '\n');
        r = buf_status(out);
        return r < 0 ? err_sys(err, r, "generation %llu", (unsigned long long)generation) : 0;
}

/* ---- reading ---- */

static bool read_api(struct json_value v, struct live_api *ret)
{
        struct json_value item[3];
        struct span hex;

        return json_value_items(v, item, ARRAY_LEN(item)) &&
               json_value_plain(item[0], &ret->name) && json_value_plain(item[1], &ret->version) &&
               json_value_plain(item[2], &hex) &&
               text_from_hex(hex, ret->sha256, PACKAGE_HASH) == 0;
}

static int read_apis(struct json_value list, struct live_api ret[LIVE_APIS_MAX], uint32_t *ret_n,
                     struct err *err)
{
        struct json_value v;
        struct json_iter it;
        uint32_t n = 0;
        int r = 0;

        if (list.type != JSON_ARRAY)
                return err_set(err, -EBADMSG, "apis: no list");
        for (it = json_iter_of(list); r == 0 && json_next(&it, NULL, &v); n++) {
                if (n == LIVE_APIS_MAX)
                        return err_set(err, -EBADMSG, "apis: more than %d", LIVE_APIS_MAX);
                if (!read_api(v, &ret[n]))
                        return err_set(err, -EBADMSG, "apis[%u]: not [name, version, SHA-256]", n);
                r = check_api(ret, n, -EBADMSG, err);
        }
        *ret_n = n;
        return r;
}

int live_read(struct span text, uint64_t *ret_generation, struct live_api ret[LIVE_APIS_MAX],
              uint32_t *ret_n, struct err *err)
{
        struct json_value apis, generation;
        struct err why = { 0 };
        struct json_iter it;
        struct span key;
        int64_t number;
        uint32_t n;
        int r;

        if (text.n > LIVE_TEXT_MAX)
                return err_set(err, -EBADMSG, "more than %d bytes", LIVE_TEXT_MAX);
        if (text.n == 0 || text.p[text.n - 1] != '\n')
                return err_set(err, -EBADMSG, "no newline at the end");
        text.n--;
        if (json_check(text, &why) < 0)
                return err_set(err, -EBADMSG, "%s", why.text);
        it = json_iter_of(json_value_of(text));
        if (!json_next(&it, &key, &apis) || !span_eq_str(key, "apis") ||
            !json_next(&it, &key, &generation) || !span_eq_str(key, "generation") || it.rest.n > 1)
                return err_set(err, -EBADMSG, "its members are not apis and generation");
        if (!json_value_int(generation, &number) || number < 1)
                return err_set(err, -EBADMSG, "generation: none has this number");
        r = read_apis(apis, ret, &n, err);
        if (r < 0)
                return r;
        *ret_n = n;
        *ret_generation = (uint64_t)number;
        return 0;
}
