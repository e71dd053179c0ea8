/* SPDX-License-Identifier: Apache-2.0 */
/* What the host is made of: devices on PCI and USB, disks, firmware's names of the machine, memory,
 * as sysfs tells them (Documentation/ABI/testing/ and stable/ of the kernel: sysfs-bus-pci,
 * sysfs-bus-usb, sysfs-block, sysfs-firmware-dmi-tables, sysfs-devices-memory), and the processors
 * that monitor/processors.c has from /proc/cpuinfo. */
#include "base/text.h"
#include "state/reading/fields.h"
#include "state/reading/index.h"
#include "state/rows/row.h"
#include "state/tables.h"

#define PCI    "/sys/bus/pci/devices/"
#define USB    "/sys/bus/usb/devices/"
#define BLOCK  "/sys/block/"
#define DMI    "/sys/class/dmi/id/"
#define MEMORY "/sys/devices/system/memory/"

static const struct state_column columns[] = {
        { "bus", STATE_TEXT, STATE_KEY, "pci, usb, disk, firmware, processor or memory" },
        { "class", STATE_TEXT, 0, "of PCI: class, subclass, interface: 020000 is Ethernet" },
        { "count", STATE_INT, 0, "of processors: how many of this model" },
        { "driver", STATE_TEXT, 0, "of PCI: the kernel's driver that has it" },
        { "id", STATE_TEXT, 0, "vendor:device, in hexadecimal" },
        { "interfaces", STATE_LIST, 0, "of USB: classes; 03 is a keyboard or mouse, 08 a disk" },
        { "model", STATE_TEXT, 0, "what it calls itself" },
        { "removable", STATE_BOOL, 0, "of a disk" },
        { "revision", STATE_TEXT, 0, "of the device or of the firmware" },
        { "serial", STATE_TEXT, 0, "serial number" },
        { "size", STATE_INT, 0, "of a disk or of memory: bytes" },
        { "slot", STATE_TEXT, STATE_KEY, "where: 0000:00:1f.2, 1-4, sda, bios" },
        { "vendor", STATE_TEXT, 0, "who made it, as it says" },
};

static const struct state_source sources[] = {
        { STATE_KERNELS, 0, PCI "*/vendor" },
        { STATE_KERNELS, 0, PCI "*/device" },
        { STATE_KERNELS, 0, PCI "*/class" },
        { STATE_KERNELS, 0, PCI "*/revision" },
        { STATE_KERNELS, 0, PCI "*/driver" },
        { STATE_KERNELS, 0, USB "*/idVendor" },
        { STATE_KERNELS, 0, USB "*/idProduct" },
        { STATE_KERNELS, 0, USB "*/manufacturer" },
        { STATE_KERNELS, 0, USB "*/product" },
        { STATE_KERNELS, 0, USB "*/serial" },
        { STATE_KERNELS, 0, USB "*/bcdDevice" },
        { STATE_KERNELS, 0, USB "*/bInterfaceClass" },
        { STATE_KERNELS, 0, BLOCK "*/size" },
        { STATE_KERNELS, 0, BLOCK "*/removable" },
        { STATE_KERNELS, 0, BLOCK "*/serial" },
        { STATE_KERNELS, 0, BLOCK "*/device" },
        { STATE_KERNELS, 0, BLOCK "*/device/vendor" },
        { STATE_KERNELS, 0, BLOCK "*/device/model" },
        { STATE_KERNELS, 0, BLOCK "*/device/serial" },
        { STATE_KERNELS, 0, BLOCK "*/device/*rev" },
        { STATE_KERNELS, 0, DMI "[bcps]*" },
        { STATE_KERNEL, 0, MEMORY "block_size_bytes" },
        { STATE_KERNELS, 0, MEMORY "memory*/online" },
        { STATE_BUILTIN, 0, "processors" },
        { STATE_BUILTIN, STATE_WAKES, "devices" },
};

struct hardware {
        struct state_out *out;
        struct index files; /* path to content */
};

static struct span trim(struct span s)
{
        while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == 0))
                s.n--;
        return field_trim(s);
}

static struct span content(const struct hardware *h, struct span dir, const char *file)
{
        struct buf path = BUF_INIT(2 * BUNDLE_NAME_MAX);
        struct span s;

        buf_put(&path, dir);
        buf_put_str(&path, file);
        s = trim(index_value(&h->files, buf_span(&path)));
        buf_done(&path);
        return s;
}

static void put_content(const struct hardware *h, const char *column, struct span dir,
                        const char *file)
{
        struct span s = content(h, dir, file);

        if (s.n && !state_has(h->out, column))
                state_text(h->out, column, s);
}

static void begin(const struct hardware *h, const char *bus, struct span slot)
{
        state_begin(h->out);
        state_str(h->out, "bus", bus);
        state_text(h->out, "slot", slot);
}

/* "0x1af4" and "0x1041", or without the 0x. */
static void put_id(const struct hardware *h, struct span dir, const char *vendor,
                   const char *device)
{
        struct span part[] = { content(h, dir, vendor), content(h, dir, device) };
        struct buf text = BUF_INIT(STATE_ROW_MAX);

        for (size_t i = 0; i < ARRAY_LEN(part); i++) {
                if (span_starts(part[i], SPAN("0x")))
                        part[i] = span_from(part[i], 2);
                if (i)
                        buf_put_byte(&text, ':');
                buf_put(&text, part[i]);
        }
        state_text(h->out, "id", buf_span(&text));
        buf_done(&text);
}

/* ---- each sort ---- */

static int put_pci(const struct hardware *h, struct span dir, struct span slot)
{
        struct span class = content(h, dir, "class"), driver = content(h, dir, "driver");

        begin(h, "pci", slot);
        put_id(h, dir, "vendor", "device");
        if (span_starts(class, SPAN("0x")))
                state_text(h->out, "class", span_from(class, 2));
        if (driver.n)
                state_text(h->out, "driver", field_base(driver));
        put_content(h, "revision", dir, "revision");
        return state_end(h->out);
}

/* Interfaces are "1-4:1.0/bInterfaceClass" beside "1-4/idVendor". */
static void put_interfaces(const struct hardware *h, struct span dir)
{
        struct buf front = BUF_INIT(2 * BUNDLE_NAME_MAX);
        struct span prefix;

        buf_put(&front, span_of(dir.p, dir.n - 1));
        buf_put_byte(&front, ':');
        prefix = buf_span(&front);
        for (size_t i = index_lower(&h->files, prefix);
             i < h->files.n && span_starts(h->files.at[i].key, prefix); i++)
                if (span_eq_str(field_base(h->files.at[i].key), "bInterfaceClass"))
                        state_item(h->out, "interfaces", trim(h->files.at[i].value));
        buf_done(&front);
}

static int put_usb(const struct hardware *h, struct span dir, struct span slot)
{
        begin(h, "usb", slot);
        put_id(h, dir, "idVendor", "idProduct");
        put_content(h, "vendor", dir, "manufacturer");
        put_content(h, "model", dir, "product");
        put_content(h, "serial", dir, "serial");
        put_content(h, "revision", dir, "bcdDevice");
        put_interfaces(h, dir);
        return state_end(h->out);
}

/* What is no device of its own (loop, dm, md, zram) is made of others or of memory. */
static int put_disk(const struct hardware *h, struct span dir, struct span slot)
{
        uint64_t sectors;

        if (content(h, dir, "device").n == 0)
                return 0;
        begin(h, "disk", slot);
        if (field_number(content(h, dir, "size"), &sectors) && sectors <= INT64_MAX / 512)
                state_u64(h->out, "size", sectors * 512); /* whatever the disk's own are */
        state_bool(h->out, "removable", span_eq_str(content(h, dir, "removable"), "1"));
        put_content(h, "vendor", dir, "device/vendor");
        put_content(h, "model", dir, "device/model");
        put_content(h, "serial", dir, "serial");
        put_content(h, "serial", dir, "device/serial");
        put_content(h, "revision", dir, "device/rev");
        put_content(h, "revision", dir, "device/firmware_rev");
        return state_end(h->out);
}

static int put_firmware(const struct hardware *h)
{
        static const struct {
                const char *slot, *vendor, *model, *serial, *revision;
        } parts[] = {
                { "bios", "bios_vendor", "bios_date", "", "bios_version" },
                { "board", "board_vendor", "board_name", "board_serial", "board_version" },
                { "chassis", "chassis_vendor", "chassis_type", "chassis_serial",
                  "chassis_version" },
                { "system", "sys_vendor", "product_name", "product_serial", "product_version" },
        };
        int rc = 0;

        for (size_t i = 0; i < ARRAY_LEN(parts) && rc == 0; i++) {
                if (content(h, SPAN(DMI), parts[i].vendor).n == 0)
                        continue;
                begin(h, "firmware", span_str(parts[i].slot));
                put_content(h, "vendor", SPAN(DMI), parts[i].vendor);
                put_content(h, "model", SPAN(DMI), parts[i].model);
                put_content(h, "serial", SPAN(DMI), parts[i].serial);
                put_content(h, "revision", SPAN(DMI), parts[i].revision);
                rc = state_end(h->out);
        }
        return rc;
}

static bool from_hex(struct span s, uint64_t *ret)
{
        static const char digits[] = "0123456789abcdef";
        uint64_t v = 0;

        for (size_t i = 0; i < s.n; i++) {
                const char *at = strchr(digits, s.p[i]);

                if (!s.p[i] || !at)
                        return false;
                v = v << 4 | (uint64_t)(at - digits);
        }
        *ret = v;
        return s.n > 0 && s.n < 16;
}

/* Blocks that are there and switched on, whatever a hypervisor's balloon has taken of them. */
static int put_memory(const struct hardware *h)
{
        uint64_t block, n = 0, size;

        for (size_t i = index_lower(&h->files, SPAN(MEMORY));
             i < h->files.n && span_starts(h->files.at[i].key, SPAN(MEMORY)); i++)
                n += span_eq_str(field_base(h->files.at[i].key), "online") &&
                     span_eq_str(trim(h->files.at[i].value), "1");
        if (n == 0 || !from_hex(content(h, SPAN(MEMORY), "block_size_bytes"), &block) ||
            __builtin_mul_overflow(block, n, &size))
                return 0;
        begin(h, "memory", SPAN("all"));
        state_u64(h->out, "size", size);
        return state_end(h->out);
}

/* "model<tab>count" of monitor/processors.c */
static int put_processors(const struct hardware *h, const struct state_part *p)
{
        struct field_lines lines = { .rest = p->bytes };
        struct span line, f[2];
        uint64_t count;
        char slot[TEXT_U64_MAX + 1];
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                struct buf model = BUF_INIT(STATE_ROW_MAX);

                if (!field_split(line, '\t', f, 2) || !field_number(f[1], &count)) {
                        rc = state_fault(h->out, p, lines.number, "not a model and a number");
                        continue;
                }
                (void)text_u64(lines.number, slot);
                field_put_raw(&model, f[0]);
                begin(h, "processor", span_str(slot));
                state_text(h->out, "model", buf_span(&model));
                state_u64(h->out, "count", count);
                rc = state_end(h->out);
                buf_done(&model);
        }
        return rc;
}

/* ---- all ---- */

static const struct {
        const char *dir, *file;
        int (*put)(const struct hardware *h, struct span dir, struct span slot);
} sorts[] = {
        { PCI, "vendor", put_pci },
        { USB, "idVendor", put_usb },
        { BLOCK, "size", put_disk },
};

/* Is it the one file that every device of a sort has? */
static int put_device(const struct hardware *h, struct span path)
{
        for (size_t i = 0; i < ARRAY_LEN(sorts); i++) {
                struct span slot = path, file = field_base(path), dir;

                if (!span_starts(path, span_str(sorts[i].dir)) || !span_eq_str(file, sorts[i].file))
                        continue;
                dir = span_of(path.p, path.n - file.n);
                slot = span_of(dir.p + strlen(sorts[i].dir), dir.n - strlen(sorts[i].dir));
                slot.n -= slot.n > 0;
                if (slot.n && !memchr(slot.p, '/', slot.n))
                        return sorts[i].put(h, dir, slot);
        }
        return 0;
}

static int read_hardware(struct state_in *in, struct state_out *out, struct err *err)
{
        struct hardware h = { .out = out, .files = INDEX_INIT };
        struct state_part p, processors = { 0 };
        int rc;

        while (state_next(in, &p)) {
                if (span_eq_str(p.name, "processors"))
                        processors = p;
                else if (p.status == 0) /* devices go, and some files say that they have nothing */
                        index_add(&h.files, p.name, p.bytes);
        }
        rc = index_sort(&h.files);
        for (size_t i = 0; i < h.files.n && rc == 0; i++)
                if (i == 0 || !span_eq(h.files.at[i].key, h.files.at[i - 1].key))
                        rc = put_device(&h, h.files.at[i].key);
        if (rc == 0)
                rc = put_firmware(&h);
        if (rc == 0)
                rc = put_memory(&h);
        if (rc == 0 && processors.name.n && state_readable(out, &processors, STATE_MAY_BE_ABSENT))
                rc = put_processors(&h, &processors);
        index_done(&h.files);
        if (rc < 0 && !out->failed)
                return err_sys(err, rc, "hardware");
        return out->failed;
}

const struct state_table state_hardware = {
        .name = "hardware",
        .about = "devices, disks, firmware, processors and memory",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 30,
        .read = read_hardware,
};
