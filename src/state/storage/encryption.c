/* SPDX-License-Identifier: Apache-2.0 */
/* Which filesystems and swaps lie on encrypted devices, and what crypttab(5) opens at boot.
 *
 *   /sys/block: blockstack.h            /proc/self/mountinfo: proc_pid_mountinfo(5)
 *   /proc/swaps: proc(5)                /etc/crypttab: name, device, key file, options
 *   luks: monitor/luks.c, what the headers of LUKS devices say of cipher and key */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/storage/blockstack.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "cipher", STATE_TEXT, 0, "as the header of the device has it: aes-xts-plain64" },
        { "device", STATE_TEXT, 0, "where it lies" },
        { "encrypted", STATE_BOOL, 0, "all of it; absent: cannot be told" },
        { "key_bits", STATE_INT, 0, "length of the key; xts uses half of it at a time" },
        { "key_file", STATE_TEXT, 0, "of crypttab: where the key comes from; none: is asked for" },
        { "kind", STATE_TEXT, STATE_KEY, "filesystem, swap or crypttab" },
        { "method", STATE_TEXT, 0, "LUKS2, LUKS1, PLAIN, ...; memory: never on a disk; none" },
        { "name", STATE_TEXT, STATE_KEY, "where it is mounted, the swap, the name that opens" },
        { "options", STATE_LIST, 0, "of crypttab" },
        { "stack", STATE_LIST, 0, "the devices below, down to the disk" },
        { "type", STATE_TEXT, 0, "of the filesystem" },
};

#define MOUNTS   "/proc/self/mountinfo"
#define SWAPS    "/proc/swaps"
#define CRYPTTAB "/etc/crypttab"
#define LUKS     "luks"

static const struct state_source sources[] = {
        { STATE_KERNELS, 0, "/sys/block/*/dev" },
        { STATE_KERNELS, 0, "/sys/block/*/*/dev" },
        { STATE_KERNELS, 0, "/sys/block/*/dm/name" },
        { STATE_KERNELS, 0, "/sys/block/*/dm/uuid" },
        { STATE_KERNELS, STATE_NAMES, "/sys/block/*/slaves/*" },
        { STATE_KERNELS, 0, "/sys/block/*/loop/backing_file" },
        { STATE_KERNEL, 0, MOUNTS },
        { STATE_KERNEL, 0, SWAPS },
        { STATE_FILE, 0, CRYPTTAB },
        { STATE_BUILTIN, 0, LUKS },
};

struct reading {
        struct state_out *out;
        struct block_stack stack;
        struct state_part luks, mounts;
        struct buf text;
};

/* ---- what lies below ---- */

/* "CRYPT-LUKS2-0123...-root": LUKS2. */
static struct span method_of(struct span uuid)
{
        struct span word = SPAN("none");

        field_cut(&uuid, '-', &word);
        field_cut(&uuid, '-', &word);
        return word;
}

/* luks: name of the device, version, then cipher, mode, bits, or of version 2 its JSON text.
 * https://gitlab.com/cryptsetup/LUKS2-docs: segments say how data is encrypted. */
static struct span json_text_behind(struct span json, const char *from, const char *key)
{
        const uint8_t *at = json.n ? memmem(json.p, json.n, from, strlen(from)) : NULL;
        struct span rest, word = SPAN_NONE;

        if (!at)
                return SPAN_NONE;
        rest = span_of(at, (size_t)(json.p + json.n - at));
        at = memmem(rest.p, rest.n, key, strlen(key));
        if (!at)
                return SPAN_NONE;
        rest = span_from(span_of(at, (size_t)(rest.p + rest.n - at)), strlen(key));
        for (size_t i = 0; i < rest.n && i < STATE_NAME_MAX; i++)
                if (rest.p[i] == '"' || rest.p[i] == ',' || rest.p[i] == '}') {
                        word = span_of(rest.p, i);
                        break;
                }
        return word;
}

static void put_cipher(struct reading *r, struct span cipher, struct span mode, struct span bits)
{
        uint64_t n;

        buf_clear(&r->text);
        buf_put(&r->text, cipher);
        if (mode.n) {
                buf_put_byte(&r->text, '-');
                buf_put(&r->text, mode);
        }
        if (r->text.n)
                state_text(r->out, "cipher", buf_span(&r->text));
        if (field_number(bits, &n) && n > 0 && n <= 1 << 16)
                state_u64(r->out, "key_bits", n);
}

static void put_header(struct reading *r, struct span name)
{
        enum { NAME, VERSION, CIPHER, MODE, BITS, FIELDS };
        struct field_lines l = { .rest = r->luks.status ? SPAN_NONE : r->luks.bytes };
        struct span line, f[FIELDS], bytes;
        uint64_t n;
        char bits[24];

        while (field_line(&l, &line)) {
                struct span rest = line;

                if (!field_cut(&rest, '\t', &f[NAME]) || !field_cut(&rest, '\t', &f[VERSION]) ||
                    !span_eq(f[NAME], name))
                        continue;
                if (field_split(line, '\t', f, FIELDS)) {
                        put_cipher(r, f[CIPHER], f[MODE], f[BITS]);
                } else {
                        bytes = json_text_behind(rest, "\"keyslots\":", "\"key_size\":");
                        if (!field_number(bytes, &n) || n > 1 << 12)
                                n = 0;
                        text_u64(n * 8, bits);
                        put_cipher(r, json_text_behind(rest, "\"segments\":", "\"encryption\":\""),
                                   SPAN_NONE, span_str(bits));
                }
                return;
        }
}

static struct span shown(const struct block_device *d)
{
        return d->dm_name.n ? d->dm_name : d->file.n ? d->file : d->name;
}

/* device: -1, it is none of ours. */
static void put_device(struct reading *r, int device)
{
        const struct block_stack *s = &r->stack;
        const struct block_device *d;

        if (device < 0)
                return;
        d = &s->at[device];
        if (d->verdict == BLOCK_PLAIN || d->verdict == BLOCK_ENCRYPTED)
                state_bool(r->out, "encrypted", d->verdict == BLOCK_ENCRYPTED);
        if (d->verdict != BLOCK_UNKNOWN)
                state_text(r->out, "method",
                           d->crypt >= 0                ? method_of(s->at[d->crypt].dm_uuid)
                           : d->verdict == BLOCK_MEMORY ? SPAN("memory")
                                                        : SPAN("none"));
        if (d->crypt >= 0)
                put_header(r, s->at[d->crypt].name);
        for (int depth = 0; device >= 0 && depth < BLOCK_DEPTH_MAX; depth++) {
                state_item(r->out, "stack", shown(&s->at[device]));
                device = block_below(s, device);
        }
}

/* ---- filesystems ---- */

/* Blanks and the like stand as \040 in it. */
static struct span without_octals(struct span s, struct buf *out)
{
        buf_clear(out);
        for (size_t i = 0; i < s.n; i++) {
                unsigned v = 0, n = 0;

                while (s.p[i] == '\\' && n < 3 && i + 1 + n < s.n && s.p[i + 1 + n] >= '0' &&
                       s.p[i + 1 + n] <= '7')
                        v = v * 8 + (unsigned)(s.p[i + 1 + n++] - '0');
                if (n == 3 && v < 256) {
                        buf_put_byte(out, (uint8_t)v);
                        i += 3;
                } else {
                        buf_put_byte(out, s.p[i]);
                }
        }
        return buf_span(out);
}

/* Without a device they can still say what they are. */
static bool encrypts_itself(struct span type)
{
        return span_eq_str(type, "ecryptfs") || span_eq_str(type, "fuse.gocryptfs") ||
               span_eq_str(type, "fuse.encfs");
}

static bool is_image(struct span type)
{
        return span_eq_str(type, "squashfs") || span_eq_str(type, "iso9660") ||
               span_eq_str(type, "erofs");
}

enum { ID, PARENT, DEV, ROOT, PLACE, WORDS };

struct mount {
        struct span word[WORDS], type, source;
};

static bool mount_of(struct span line, struct mount *m)
{
        struct span word = SPAN_NONE;

        for (int i = 0; i < WORDS; i++)
                if (!field_word(&line, &m->word[i]))
                        return false;
        while (field_word(&line, &word) && !span_eq_str(word, "-"))
                ;
        return span_eq_str(word, "-") && field_word(&line, &m->type) &&
               field_word(&line, &m->source);
}

enum { SEEN_MAX = 512 };

struct seen {
        struct span dev[SEEN_MAX];
        size_t n;
};

/* The first place of each counts; the others are the same filesystem once more. */
static bool is_new(struct seen *seen, struct span dev)
{
        for (size_t i = 0; i < seen->n; i++)
                if (span_eq(seen->dev[i], dev))
                        return false;
        if (seen->n == SEEN_MAX)
                return false;
        seen->dev[seen->n++] = dev;
        return true;
}

static int put_mount(struct reading *r, const struct mount *m, struct seen *seen)
{
        int device = block_by_dev(&r->stack, m->word[DEV]);
        bool own = encrypts_itself(m->type);

        if (device < 0)
                device = block_by_path(&r->stack, m->source);
        if (is_image(m->type) || (device < 0 && !own && !span_eq_str(m->type, "zfs")) ||
            !is_new(seen, m->word[DEV]))
                return 0;
        state_begin(r->out);
        state_str(r->out, "kind", "filesystem");
        state_text(r->out, "name", without_octals(m->word[PLACE], &r->text));
        state_text(r->out, "type", m->type);
        state_text(r->out, "device", m->source);
        put_device(r, device);
        if (own) {
                state_bool(r->out, "encrypted", true);
                state_text(r->out, "method", m->type);
        }
        return state_end(r->out);
}

static int read_mounts(struct reading *r, const struct state_part *p)
{
        struct field_lines l = { .rest = p->bytes };
        struct seen seen = { .n = 0 };
        struct span line;
        struct mount m;
        int rc = 0;

        while (rc == 0 && field_line(&l, &line))
                rc = mount_of(line, &m) ? put_mount(r, &m, &seen)
                                        : state_fault(r->out, p, l.number, "not a mount");
        return rc;
}

/* ---- swaps ---- */

/* The device of the innermost place where path lies; escapes stand alike in both. */
static int device_of_file(const struct reading *r, struct span path)
{
        struct field_lines l = { .rest = r->mounts.bytes };
        struct span line, best = SPAN_NONE, place;
        struct mount m;
        int device = -1;

        while (field_line(&l, &line)) {
                if (!mount_of(line, &m))
                        continue;
                place = m.word[PLACE];
                if (place.n < best.n || !span_starts(path, place) ||
                    !(place.n == 1 || (path.n > place.n && path.p[place.n] == '/')))
                        continue;
                best = place; /* of one place the last one lies on top */
                device = block_by_dev(&r->stack, m.word[DEV]);
                if (device < 0)
                        device = block_by_path(&r->stack, m.source);
        }
        return device;
}

enum { SWAPS_MAX = 64 }; /* the kernel has fewer than 32 */

static int read_swaps(struct reading *r, const struct state_part *p)
{
        struct field_lines l = { .rest = p->bytes };
        struct span line, name, type;
        int rc = 0;

        while (rc == 0 && field_line(&l, &line)) {
                if (l.number == 1) /* Filename Type Size Used Priority */
                        continue;
                if (l.number > SWAPS_MAX + 1)
                        return state_fault(r->out, p, l.number, "more than %d swaps", SWAPS_MAX);
                if (!field_word(&line, &name) || !field_word(&line, &type)) {
                        rc = state_fault(r->out, p, l.number, "not a swap");
                        continue;
                }
                state_begin(r->out);
                state_str(r->out, "kind", "swap");
                state_text(r->out, "name", without_octals(name, &r->text));
                state_text(r->out, "type", type);
                put_device(r, span_eq_str(type, "file") ? device_of_file(r, name)
                                                        : block_by_path(&r->stack, name));
                rc = state_end(r->out);
        }
        return rc;
}

/* ---- crypttab ---- */

static int put_crypttab(struct reading *r, const struct state_part *p, struct span line,
                        uint32_t number)
{
        struct span name, device, key = SPAN("none"), options = SPAN_NONE, one;

        if (!field_word(&line, &name) || !field_word(&line, &device))
                return state_fault(r->out, p, number, "not a name and a device");
        if (field_word(&line, &one) && !span_eq_str(one, "-"))
                key = one;
        (void)field_word(&line, &options);
        state_begin(r->out);
        state_str(r->out, "kind", "crypttab");
        state_text(r->out, "name", name);
        state_text(r->out, "device", device);
        state_text(r->out, "key_file", key);
        state_no_items(r->out, "options");
        while (field_cut(&options, ',', &one))
                state_item(r->out, "options", one);
        return state_end(r->out);
}

static int read_crypttab(struct reading *r, const struct state_part *p)
{
        struct field_lines l = { .rest = p->bytes };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&l, &line)) {
                line = field_trim(line);
                if (line.n && line.p[0] != '#')
                        rc = put_crypttab(r, p, line, l.number);
        }
        return rc;
}

/* ---- all ---- */

static int read_parts(struct reading *r, struct state_in *in)
{
        struct state_part p;
        int rc = 0;

        while (rc == 0 && state_next(in, &p)) {
                if (span_eq_str(p.name, MOUNTS) && state_readable(r->out, &p, STATE_MUST_BE))
                        rc = read_mounts(r, &p);
                else if (span_eq_str(p.name, SWAPS) &&
                         state_readable(r->out, &p, STATE_MAY_BE_ABSENT))
                        rc = read_swaps(r, &p);
                else if (span_eq_str(p.name, CRYPTTAB) &&
                         state_readable(r->out, &p, STATE_MAY_BE_ABSENT))
                        rc = read_crypttab(r, &p);
        }
        return rc;
}

static int read_encryption(struct state_in *in, struct state_out *out, struct err *err)
{
        struct reading r = { .out = out, .luks = { .status = ENOENT }, .text = BUF_INIT(1 << 16) };
        struct state_part none = { .name = SPAN("/sys/block") };
        int rc = block_stack_read(&r.stack, *in);

        if (rc < 0)
                return err_set(err, rc, "out of memory");
        (void)state_part_named(in, SPAN(LUKS), &r.luks);
        (void)state_part_named(in, SPAN(MOUNTS), &r.mounts);
        if (r.stack.cut)
                rc = state_fault(out, &none, 0, "more than %d devices", BLOCK_DEVICES_MAX);
        if (rc == 0)
                rc = read_parts(&r, in);
        buf_done(&r.text);
        block_stack_done(&r.stack);
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_encryption = {
        .name = "encryption",
        .alert = "removed encrypted cipher key_bits",
        .about = "which filesystems and swaps are encrypted",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 300,
        .read = read_encryption,
};
