/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define PCI    "/sys/bus/pci/devices/"
#define USB    "/sys/bus/usb/devices/"
#define BLOCK  "/sys/block/"
#define DMI    "/sys/class/dmi/id/"
#define MEMORY "/sys/devices/system/memory/"

static const struct table_case cases[] = {
        { .name = "a network card, a stick that is a keyboard too",
          .part = { PART(PCI "0000:00:03.0/vendor", "0x1af4\n"),
                    PART(PCI "0000:00:03.0/device", "0x1041\n"),
                    PART(PCI "0000:00:03.0/class", "0x020000\n"),
                    PART(PCI "0000:00:03.0/revision", "0x01\n"),
                    { .name = PCI "0000:00:03.0/driver",
                      .bytes = "../../../bus/pci/drivers/virtio-pci",
                      .mode = 0120777 },
                    PART(USB "1-4/idVendor", "0781\n"),
                    PART(USB "1-4/idProduct", "5581\n"),
                    PART(USB "1-4/product", "Ultra\n"),
                    PART(USB "1-4/serial", "4C53\n"),
                    PART(USB "1-4:1.0/bInterfaceClass", "08\n"),
                    PART(USB "1-4:1.1/bInterfaceClass", "03\n"),
                    PART(USB "1-40:1.0/bInterfaceClass", "ff\n") },
          .rows = "{\"bus\":\"pci\",\"class\":\"020000\",\"driver\":\"virtio-pci\","
                  "\"id\":\"1af4:1041\",\"revision\":\"0x01\",\"slot\":\"0000:00:03.0\"}\n"
                  "{\"bus\":\"usb\",\"id\":\"0781:5581\",\"interfaces\":[\"08\",\"03\"],"
                  "\"model\":\"Ultra\",\"serial\":\"4C53\",\"slot\":\"1-4\"}\n" },
        { .name = "disks: SCSI, of a virtual machine, one that is made of others",
          .part = { PART(BLOCK "sda/size", "2048\n"),
                    PART(BLOCK "sda/removable", "1\n"),
                    { .name = BLOCK "sda/device", .bytes = "../../2:0:0:0", .mode = 0120777 },
                    PART(BLOCK "sda/device/vendor", "ATA     \n"),
                    PART(BLOCK "sda/device/model", "Samsung SSD 870 \n"),
                    PART(BLOCK "sda/device/rev", "1B6Q\n"),
                    PART(BLOCK "vda/size", "8\n"),
                    PART(BLOCK "vda/serial", "x1"),
                    { .name = BLOCK "vda/device", .bytes = "../../virtio1", .mode = 0120777 },
                    PART(BLOCK "dm-0/size", "2048\n") },
          .rows = "{\"bus\":\"disk\",\"model\":\"Samsung SSD 870\",\"removable\":true,"
                  "\"revision\":\"1B6Q\",\"size\":1048576,\"slot\":\"sda\",\"vendor\":\"ATA\"}\n"
                  "{\"bus\":\"disk\",\"removable\":false,\"serial\":\"x1\",\"size\":4096,"
                  "\"slot\":\"vda\"}\n" },
        { .name = "firmware, memory of which a block is off, processors",
          .part = { PART(DMI "sys_vendor", "Dell Inc.\n"), PART(DMI "product_name", "R640\n"),
                    PART(DMI "product_serial", "ABC\n"), PART(DMI "bios_vendor", "Dell\n"),
                    PART(DMI "bios_version", "2.1\n"), PART(DMI "bios_date", "01/02/2026\n"),
                    PART(MEMORY "block_size_bytes", "8000000\n"),
                    PART(MEMORY "memory0/online", "1\n"), PART(MEMORY "memory1/online", "0\n"),
                    PART(MEMORY "memory2/online", "1\n"),
                    PART("processors", "AMD EPYC\t2\nodd\n") },
          .rows = "{\"bus\":\"firmware\",\"model\":\"01/02/2026\",\"revision\":\"2.1\","
                  "\"slot\":\"bios\",\"vendor\":\"Dell\"}\n"
                  "{\"bus\":\"firmware\",\"model\":\"R640\",\"serial\":\"ABC\","
                  "\"slot\":\"system\",\"vendor\":\"Dell Inc.\"}\n"
                  "{\"bus\":\"memory\",\"size\":268435456,\"slot\":\"all\"}\n"
                  "{\"bus\":\"processor\",\"count\":2,\"model\":\"AMD EPYC\",\"slot\":\"1\"}\n",
          .faults = "processors:2: not a model and a number\n" },
        { .name = "odd paths and contents",
          .part = { PART(PCI "vendor", "0x1\n"),
                    PART(PCI "a/b/vendor", "0x1\n"),
                    PART(MEMORY "block_size_bytes", "zz\n"),
                    PART(MEMORY "memory0/online", "1\n"),
                    PART(BLOCK "x/size", "99999999999999999999\n"),
                    { .name = BLOCK "x/device", .bytes = "y", .mode = 0120777 },
                    { .name = "processors", .status = ENOENT } },
          .rows = "{\"bus\":\"disk\",\"removable\":false,\"slot\":\"x\"}\n" },
};

static void test_hardware(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_hardware, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_hardware) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
