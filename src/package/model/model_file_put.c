/* SPDX-License-Identifier: Apache-2.0 */
/* model_file_put.c - the model as JSON, by the tables of shapes.  Floor 2, pure. */
#include "package/model/model_file_shape.h"

#include "wire/json.h"

struct put {
        struct json_writer w;
        struct buf scratch;               /* of a value: JSON that becomes a string */
        int status;                       /* of scratch, the first failure */
        const struct model_field *beyond; /* a list that is too long */
};

static const void *member(const void *record, const struct model_field *f)
{
        return (const uint8_t *)record + f->at;
}

static uint32_t count_of(const void *record, const struct model_field *f)
{
        return *(const uint32_t *)((const uint8_t *)record + f->count_at);
}

/* Of 4 bytes where it is an enum, flags or a place. */
static uint64_t number_of(const void *record, const struct model_field *f)
{
        const void *p = member(record, f);

        switch (f->size) {
        case 2:
                return *(const uint16_t *)p;
        case 4:
                return *(const uint32_t *)p;
        default:
                assert(f->size == 8);
                return *(const uint64_t *)p;
        }
}

static struct span text_of(const void *record, const struct model_field *f)
{
        return *(const struct span *)member(record, f);
}

static bool all_default(const struct model_shape *s, const void *record);

bool model_is_default(const struct model_field *f, const void *record, const void *defaults)
{
        switch (f->kind) {
        case MODEL_TEXT:
                return span_eq(text_of(record, f), text_of(defaults, f));
        case MODEL_BOOL:
                return *(const bool *)member(record, f) == *(const bool *)member(defaults, f);
        case MODEL_NUMBER:
        case MODEL_ENUM:
        case MODEL_FLAGS:
        case MODEL_PLACE:
                return number_of(record, f) == number_of(defaults, f);
        case MODEL_RECORD:
                return all_default(f->shape, member(record, f));
        case MODEL_OPTION:
                return *(const void *const *)member(record, f) == NULL;
        default:
                return count_of(record, f) == 0;
        }
}

static bool all_default(const struct model_shape *s, const void *record)
{
        for (size_t i = 0; i < s->n; i++)
                if (s->fields[i].always || !model_is_default(&s->fields[i], record, s->defaults))
                        return false;
        return true;
}

static void put_flags(struct put *p, const struct model_field *f, uint64_t flags)
{
        json_begin_array(&p->w);
        for (unsigned bit = 0; f->name(bit); bit++)
                if (flags & UINT64_C(1) << bit)
                        json_put_string(&p->w, span_str(f->name(bit)));
        json_end_array(&p->w);
}

static void put_value(struct put *p, const struct tree *t)
{
        buf_clear(&p->scratch);
        tree_print(t, &p->scratch);
        if (p->status == 0)
                p->status = buf_status(&p->scratch);
        if (p->status == 0)
                json_put_string(&p->w, buf_span(&p->scratch));
        else
                json_put_null(&p->w); /* nobody reads it */
}

static void put_record(struct put *p, const struct model_shape *s, const void *record);

static void put_item(struct put *p, const struct model_field *f, const void *list, uint32_t i)
{
        switch (f->kind) {
        case MODEL_LIST:
                put_record(p, f->shape, (const uint8_t *)list + i * f->shape->size);
                break;
        case MODEL_TEXTS:
                json_put_string(&p->w, ((const struct span *)list)[i]);
                break;
        case MODEL_PLACES:
                json_put_int(&p->w, ((const uint32_t *)list)[i]);
                break;
        default:
                put_value(p, &((const struct tree *)list)[i]);
                break;
        }
}

static void put_list(struct put *p, const struct model_field *f, const void *record)
{
        const void *list = *(const void *const *)member(record, f);

        if (count_of(record, f) > f->max)
                p->beyond = f;
        json_begin_array(&p->w);
        for (uint32_t i = 0; i < count_of(record, f); i++)
                put_item(p, f, list, i);
        json_end_array(&p->w);
}

static void put_member(struct put *p, const struct model_field *f, const void *record)
{
        switch (f->kind) {
        case MODEL_TEXT:
                json_put_string(&p->w, text_of(record, f));
                break;
        case MODEL_BOOL:
                json_put_bool(&p->w, *(const bool *)member(record, f));
                break;
        case MODEL_NUMBER:
        case MODEL_PLACE:
                json_put_u64(&p->w, number_of(record, f));
                break;
        case MODEL_ENUM:
                json_put_string(&p->w, span_str(f->name((unsigned)number_of(record, f))));
                break;
        case MODEL_FLAGS:
                put_flags(p, f, number_of(record, f));
                break;
        case MODEL_RECORD:
                put_record(p, f->shape, member(record, f));
                break;
        case MODEL_OPTION:
                put_record(p, f->shape, *(const void *const *)member(record, f));
                break;
        default:
                put_list(p, f, record);
                break;
        }
}

static void put_record(struct put *p, const struct model_shape *s, const void *record)
{
        json_begin_object(&p->w);
        for (size_t i = 0; i < s->n; i++) {
                const struct model_field *f = &s->fields[i];

                if (!f->always && model_is_default(f, record, s->defaults))
                        continue;
                json_put_key(&p->w, f->key);
                put_member(p, f, record);
        }
        json_end_object(&p->w);
}

int model_put(struct buf *out, const struct api *api, const struct config *config, struct err *err)
{
        struct put p = { .scratch = BUF_INIT(out->max) };
        int r;

        json_writer_init(&p.w, out);
        json_begin_object(&p.w);
        json_put_key(&p.w, "api");
        put_record(&p, &model_api_shape, api);
        json_put_key(&p.w, "config");
        put_record(&p, &model_config_shape, config);
        json_end_object(&p.w);
        buf_done(&p.scratch);
        if (p.beyond)
                return err_set(err, -E2BIG, "%s: more than %llu", p.beyond->key,
                               (unsigned long long)p.beyond->max);
        r = p.status < 0 ? p.status : buf_status(out);
        return r < 0 ? err_sys(err, r, "model of the API") : 0;
}
