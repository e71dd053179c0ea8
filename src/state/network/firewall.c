/* SPDX-License-Identifier: Apache-2.0 */
/* The packet filter's rules: what `nft -s list ruleset` prints (nft(8): blocks with a tab for each
 * level, without counters) and what iptables-save(8) prints of the older filter, and of the newer
 * one with the matches that nft cannot name.
 *
 * A rule is known by its chain and text, not by a number, so that one that is put in front changes
 * nothing of those behind it; that their order is another shows in the chain's row. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "state/reading/fields.h"
#include "state/reading/index.h"
#include "state/rows/row.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "definition", STATE_TEXT, 0, "of a chain, set, table: its hook, policy, type, flags" },
        { "elements", STATE_INT, 0,
          "how many a set or map has; absent: packets or time change it" },
        { "elements_digest", STATE_TEXT, 0, "SHA256: over its sorted elements" },
        { "engine", STATE_TEXT, STATE_KEY, "nft, iptables-nft, iptables-legacy..." },
        { "family", STATE_TEXT, STATE_KEY, "ip, ip6, inet, bridge, netdev, arp" },
        { "kind", STATE_TEXT, STATE_KEY, "table, chain, rule, set, map..." },
        { "name", STATE_TEXT, STATE_KEY, "of the chain, also a rule's, or set; empty: a table" },
        { "order", STATE_TEXT, 0, "of a chain: SHA256: over its rules in their order" },
        { "position", STATE_INT, STATE_LOOSE, "of a rule in its chain, from 1" },
        { "repeat", STATE_INT, STATE_KEY, "of rules with one text in a chain: 1, 2..." },
        { "rule", STATE_TEXT, STATE_KEY, "its text; empty: it is no rule" },
        { "rules", STATE_INT, 0, "of a chain: how many it has" },
        { "table", STATE_TEXT, STATE_KEY, "table" },
};

#define NFT "/usr/sbin/nft -s list ruleset"

static const struct state_source sources[] = {
        { STATE_PROGRAM, STATE_AS_ROOT, NFT },
        { STATE_PROGRAM, STATE_AS_ROOT, "/usr/sbin/iptables-nft-save" },
        { STATE_PROGRAM, STATE_AS_ROOT, "/usr/sbin/ip6tables-nft-save" },
        { STATE_PROGRAM, STATE_AS_ROOT, "/usr/sbin/iptables-legacy-save" },
        { STATE_PROGRAM, STATE_AS_ROOT, "/usr/sbin/ip6tables-legacy-save" },
        { STATE_BUILTIN, STATE_WAKES, "nftables" },
        { STATE_FILE, STATE_WAKES, "/etc/nftables.conf" },
        { STATE_FILES, STATE_WAKES, "/etc/iptables/*" },
};

enum { TEXT_MAX = 16 * 1024 };

struct place {
        struct state_out *out;
        const struct state_part *part;
        struct span engine, family, table, kind, name;
};

/* ---- rows ---- */

/* Runs of blanks, tabs and line ends become one blank. */
static void put_joined(struct buf *out, struct span s)
{
        bool gap = false;

        for (size_t i = 0; i < s.n; i++) {
                bool blank = s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n';

                if (!blank && gap && out->n)
                        buf_put_byte(out, ' ');
                if (!blank)
                        buf_put_byte(out, s.p[i]);
                gap = blank;
        }
}

static void put_joined_text(struct state_out *out, const char *column, struct span s)
{
        struct buf text = BUF_INIT(TEXT_MAX);

        put_joined(&text, s);
        state_text(out, column, buf_span(&text));
        buf_done(&text);
}

static void begin(const struct place *at, struct span rule, uint64_t repeat)
{
        struct state_out *out = at->out;

        state_begin(out);
        state_text(out, "engine", at->engine);
        state_text(out, "family", at->family);
        state_text(out, "table", at->table);
        state_text(out, "kind", at->kind);
        state_text(out, "name", at->name);
        state_u64(out, "repeat", repeat);
        put_joined_text(out, "rule", rule);
}

/* Over all keys in the order they are in. */
static int put_digest(struct state_out *out, const char *column, const struct index *x)
{
        CLEANUP(sha256_freep) struct sha256_ctx *h = sha256_new();
        struct buf text = BUF_INIT(128);
        uint8_t digest[SHA256_LEN];

        if (!h)
                return -ENOMEM;
        sha256_begin(h);
        for (size_t i = 0; i < x->n; i++) {
                sha256_add(h, x->at[i].key);
                sha256_add(h, SPAN("\n"));
        }
        sha256_end(h, digest);
        buf_put_str(&text, "SHA256:");
        text_put_base64(&text, span_of(digest, sizeof digest));
        while (text.n && text.p[text.n - 1] == '=') /* as ssh-keygen(1) writes it */
                text.n--;
        state_text(out, column, buf_span(&text));
        buf_done(&text);
        return 0;
}

/* A chain and its rules, which are the index' keys as they were added. */
static int put_chain(struct place at, struct span definition, struct index *rules)
{
        uint64_t repeat = 0;
        int rc;

        if (rules->status < 0)
                return rules->status;
        at.kind = SPAN("chain");
        begin(&at, SPAN_NONE, 1);
        put_joined_text(at.out, "definition", definition);
        state_u64(at.out, "rules", rules->n);
        rc = put_digest(at.out, "order", rules);
        if (rc == 0)
                rc = state_end(at.out);
        if (rc == 0)
                rc = index_sort(rules);
        at.kind = SPAN("rule");
        for (size_t i = 0; i < rules->n && rc == 0; i++) {
                const struct index_at *r = &rules->at[i];

                repeat = i && span_eq(r->key, rules->at[i - 1].key) ? repeat + 1 : 1;
                begin(&at, r->key, repeat);
                state_u64(at.out, "position", r->order + 1);
                rc = state_end(at.out);
        }
        return rc;
}

static bool has_word(struct span text, const char *word)
{
        return text.n && memmem(text.p, text.n, word, strlen(word));
}

/* "{ 192.0.2.0/24, 198.51.100.7 }" */
static int put_elements(struct state_out *out, struct span text)
{
        struct index elements = INDEX_INIT;
        struct span element;
        int rc;

        while (text.n && text.p[0] != '{')
                text = span_from(text, 1);
        text = span_from(text, 1);
        while (text.n && text.p[text.n - 1] != '}')
                text.n--;
        text.n -= text.n > 0;
        while (field_cut(&text, ',', &element)) {
                while (element.n &&
                       (element.p[0] == '\n' || element.p[0] == '\t' || element.p[0] == ' '))
                        element = span_from(element, 1);
                element = field_trim(element);
                if (element.n)
                        index_add(&elements, element, SPAN_NONE);
        }
        rc = index_sort(&elements);
        state_u64(out, "elements", elements.n);
        if (rc == 0)
                rc = put_digest(out, "elements_digest", &elements);
        index_done(&elements);
        return rc;
}

/* Anything that is no chain. */
static int put_other(const struct place *at, struct span definition, struct span elements)
{
        bool set = span_eq_str(at->kind, "set") || span_eq_str(at->kind, "map");
        bool moves = has_word(definition, "timeout") || has_word(definition, "dynamic");
        int rc = 0;

        begin(at, SPAN_NONE, 1);
        put_joined_text(at->out, "definition", definition);
        if (set && !moves)
                rc = put_elements(at->out, elements);
        return rc < 0 ? rc : state_end(at->out);
}

/* ---- nft ---- */

static size_t tabs_of(struct span line)
{
        size_t n = 0;

        while (n < line.n && line.p[n] == '\t')
                n++;
        return n;
}

/* "table inet filter {": its words, without the brace.  false: it is not the begin of a block. */
static bool is_block(struct span line, struct span words[3])
{
        struct span rest = line, brace;

        words[1] = words[2] = SPAN_NONE;
        if (line.n == 0 || line.p[line.n - 1] != '{')
                return false;
        for (size_t i = 0; i < 3; i++) {
                if (!field_word(&rest, &words[i]))
                        return false;
                if (i > 0 && span_eq_str(words[i], "{")) {
                        words[i] = SPAN_NONE;
                        return i > 1;
                }
        }
        return field_word(&rest, &brace) && span_eq_str(brace, "{");
}

/* Both lie in one text, a after b or before it. */
static struct span joined(struct span a, struct span b)
{
        return a.n ? span_of(a.p, (size_t)(b.p + b.n - a.p)) : b;
}

struct block {
        struct span definition, elements;
        struct index rules;
};

/* The next thing of a block: a line, with those that go on with it further to the right. */
static bool next_item(struct field_lines *l, size_t depth, struct span *ret)
{
        struct span line;
        struct field_lines ahead = *l;

        if (!field_line(&ahead, &line) || tabs_of(line) < depth)
                return false;
        *ret = span_from(line, depth);
        *l = ahead;
        while (field_line(&ahead, &line) && tabs_of(line) > depth) {
                *ret = joined(*ret, line);
                *l = ahead;
        }
        return true;
}

static bool is_header(struct span item)
{
        return (span_starts(item, SPAN("type ")) && has_word(item, " hook ")) ||
               span_starts(item, SPAN("comment "));
}

static int read_block(struct place *at, struct field_lines *l)
{
        struct block b = { .rules = INDEX_INIT };
        bool chain = span_eq_str(at->kind, "chain");
        struct span item;
        int rc;

        while (next_item(l, 2, &item))
                if (chain && !is_header(item))
                        index_add(&b.rules, item, SPAN_NONE);
                else if (!chain && span_starts(item, SPAN("elements = ")))
                        b.elements = item;
                else
                        b.definition = joined(b.definition, item);
        rc = chain ? put_chain(*at, b.definition, &b.rules)
                   : put_other(at, b.definition, b.elements);
        index_done(&b.rules);
        return rc;
}

/* Behind "table FAMILY NAME {" up to its "}". */
static int read_table(struct place *at, struct field_lines *l)
{
        struct span line, words[3], definition = SPAN_NONE;
        struct place table = *at;
        int rc = 0;

        while (rc == 0 && field_line(l, &line) && (line.n == 0 || tabs_of(line) > 0)) {
                if (tabs_of(line) != 1 || span_eq_str(span_from(line, 1), "}"))
                        continue;
                if (is_block(line, words)) {
                        at->kind = words[0];
                        at->name = words[1];
                        rc = read_block(at, l);
                } else {
                        definition = joined(definition, span_from(line, 1));
                }
        }
        table.kind = SPAN("table");
        return rc < 0 ? rc : put_other(&table, definition, SPAN_NONE);
}

static int read_nft(struct state_out *out, const struct state_part *p)
{
        struct field_lines l = { .rest = p->bytes };
        struct span line, words[3];
        int rc = 0;

        while (rc == 0 && field_line(&l, &line)) {
                struct place at = { .out = out, .part = p, .engine = SPAN("nft") };

                if (field_trim(line).n == 0 || line.p[0] == '#')
                        continue;
                if (is_block(line, words) && span_eq_str(words[0], "table") && words[2].n) {
                        at.family = words[1];
                        at.table = words[2];
                        rc = read_table(&at, &l);
                } else {
                        rc = state_fault(out, p, l.number, "not the begin of a table");
                }
        }
        return rc;
}

/* ---- iptables ---- */

/* One table: chains to policies, chains to rules in their order. */
struct legacy {
        struct index chains, rules;
};

static int put_legacy_chain(const struct place *table, const struct legacy *t, size_t i)
{
        struct index rules = INDEX_INIT;
        struct place at = *table;
        int rc;

        at.name = t->chains.at[i].key;
        for (size_t k = index_find(&t->rules, at.name);
             k < t->rules.n && span_eq(t->rules.at[k].key, at.name); k++)
                index_add(&rules, t->rules.at[k].value, SPAN_NONE);
        rc = put_chain(at, t->chains.at[i].value, &rules);
        index_done(&rules);
        return rc;
}

static int put_legacy(const struct place *table, struct legacy *t)
{
        int rc = index_sort(&t->chains);

        if (rc == 0)
                rc = index_sort(&t->rules);
        for (size_t i = 0; i < t->chains.n && rc == 0; i++)
                if (i == 0 || !span_eq(t->chains.at[i].key, t->chains.at[i - 1].key))
                        rc = put_legacy_chain(table, t, i);
        index_done(&t->chains);
        index_done(&t->rules);
        return rc;
}

/* ":INPUT ACCEPT [0:0]", "-A INPUT -s 192.0.2.1/32 -j DROP" */
static bool note_legacy(struct legacy *t, struct span line)
{
        struct span word, chain, policy;

        if (line.p[0] == ':') {
                line = span_from(line, 1);
                if (!field_word(&line, &chain) || !field_word(&line, &policy))
                        return false;
                index_add(&t->chains, chain, policy);
                return true;
        }
        if (!field_word(&line, &word) || !span_eq_str(word, "-A") || !field_word(&line, &chain))
                return false;
        index_add(&t->rules, chain, field_trim(line));
        return true;
}

/* "iptables-legacy" of "/usr/sbin/iptables-legacy-save". */
static struct span engine_of(struct span name)
{
        const struct span end = SPAN("-save");

        name = field_base(name);
        if (name.n > end.n && span_eq(span_from(name, name.n - end.n), end))
                name.n -= end.n;
        return name;
}

static int read_iptables(struct state_out *out, const struct state_part *p)
{
        struct legacy t = { .chains = INDEX_INIT, .rules = INDEX_INIT };
        struct field_lines l = { .rest = p->bytes };
        struct place at = { .out = out, .part = p, .engine = engine_of(p->name) };
        struct span line;
        int rc = 0;

        at.family = span_starts(at.engine, SPAN("ip6")) ? SPAN("ip6") : SPAN("ip");
        while (rc == 0 && field_line(&l, &line)) {
                if (line.n == 0 || line.p[0] == '#')
                        continue;
                if (line.p[0] == '*')
                        at.table = field_trim(span_from(line, 1));
                else if (span_eq_str(line, "COMMIT"))
                        rc = put_legacy(&at, &t);
                else if (at.table.n == 0 || !note_legacy(&t, line))
                        rc = state_fault(out, p, l.number, "not a line of iptables-save");
        }
        index_done(&t.chains);
        index_done(&t.rules);
        return rc;
}

static int read_firewall(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p;
        int rc = 0;

        while (rc == 0 && state_next(in, &p))
                if (state_readable(out, &p, STATE_MAY_BE_ABSENT))
                        rc = span_eq_str(p.name, NFT) ? read_nft(out, &p) : read_iptables(out, &p);
        if (rc < 0 && !out->failed)
                return err_sys(err, rc, "firewall");
        return out->failed;
}

const struct state_table state_firewall = {
        .name = "firewall",
        .alert = "yes",
        .about = "rules of the packet filter",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 60,
        .read = read_firewall,
};
