/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define FILE_ "/proc/1/mountinfo"
#define ROW_TO(propagation, fs_options, layer, options, point, root, source, type)                 \
        "{\"fs_options\":[" fs_options "],\"layer\":" layer ",\"options\":[" options               \
        "],\"point\":\"" point "\",\"propagation\":[" propagation "],\"root\":\"" root             \
        "\",\"source\":\"" source "\",\"type\":\"" type "\"}\n"
#define ROW(fs_options, layer, options, point, root, source, type)                                 \
        ROW_TO("\"private\"", fs_options, layer, options, point, root, source, type)
#define FOLDED(count, fs_options, options, point, root, source, type)                              \
        "{\"count\":" count ",\"fs_options\":[" fs_options "],\"layer\":1,\"options\":[" options   \
        "],\"point\":\"" point "\"," root "\"source\":\"" source "\",\"type\":\"" type "\"}\n"
#define ID_A "6f0f6ee2c5cb5a0d3a5b8f6ce0a8f3a9b7b1d6a5c4e3f2a1b0c9d8e7f6a5b4c3"
#define ID_B "0a1b2c3d4e5f"

static const struct table_case cases[] = {
        { .name = "the manual's line, a root, one over another",
          .part = { PART(FILE_,
                         "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root "
                         "rw,errors=continue\n"
                         "27 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw\n"
                         "26 24 0:24 / /dev/pts rw,relatime shared:2 master:3 propagate_from:4 - "
                         "devpts devpts rw,mode=600\n"
                         "29 26 0:26 / /dev/pts rw,nosuid - devpts devpts rw,mode=620\n") },
          .rows = ROW("\"rw\"", "1", "\"rw\",\"relatime\"", "/", "/", "/dev/vda1", "ext4")
                  ROW_TO("\"shared\",\"slave\"", "\"rw\",\"mode=600\"", "1", "\"rw\",\"relatime\"",
                         "/dev/pts", "/", "devpts", "devpts")
                          ROW("\"rw\",\"mode=620\"", "2", "\"rw\",\"nosuid\"", "/dev/pts", "/",
                              "devpts", "devpts") ROW_TO("\"slave\"", "\"rw\",\"errors=continue\"",
                                                         "1", "\"rw\",\"noatime\"", "/mnt2",
                                                         "/mnt1", "/dev/root", "ext3") },
        { .name = "one that is shared, unbindable, and with fields of later kernels",
          .part = { PART(FILE_, "1 1 8:1 / /a rw shared:17 - ext4 /dev/a rw\n"
                                "1 1 8:1 / /b rw unbindable - ext4 /dev/a rw\n"
                                "1 1 8:1 / /c rw sharedish new:1 - ext4 /dev/a rw\n") },
          .rows = ROW_TO("\"shared\"", "\"rw\"", "1", "\"rw\"", "/a", "/", "/dev/a", "ext4")
                  ROW_TO("\"unbindable\"", "\"rw\"", "1", "\"rw\"", "/b", "/", "/dev/a", "ext4")
                          ROW("\"rw\"", "1", "\"rw\"", "/c", "/", "/dev/a", "ext4") },
        { .name = "names with blanks, an empty source, no UTF-8",
          .part = { PART(FILE_, "1 1 0:1 /a\\040b /x\\134\\012y ro - tmpfs  rw\n"
                                "1 1 0:1 / /\xff ro - nfs4 srv:/a\\040b rw\n") },
          .rows = ROW("\"rw\"", "1", "\"ro\"", "/x\\\\\\ny", "/a b", "", "tmpfs")
                  ROW("\"rw\"", "1", "\"ro\"", "/\\\\xff", "/", "srv:/a b", "nfs4") },
        { .name = "containers and logins come and go",
          .part = { PART(
                  FILE_,
                  "1 1 0:50 / /var/lib/docker/overlay2/" ID_A "/merged rw,relatime - overlay "
                  "overlay rw,lowerdir=/a:/b,upperdir=/c,workdir=/d,xino=off\n"
                  "2 1 0:51 / /var/lib/docker/overlay2/" ID_B "/merged rw,relatime - overlay "
                  "overlay rw,lowerdir=/e,upperdir=/f,workdir=/g,xino=off\n"
                  "3 1 0:4 net:[4026532281] /run/docker/netns/" ID_B " rw - nsfs nsfs rw\n"
                  "4 1 0:60 / /run/user/1000 rw,nosuid,nodev - tmpfs tmpfs "
                  "rw,size=2468408k,mode=700,uid=1000,gid=1000\n"
                  "5 4 0:61 / /run/user/1000/doc rw,nosuid - fuse.portal portal "
                  "rw,user_id=1000,group_id=1000\n"
                  "6 1 0:62 / /run/user/33 rw,nosuid,nodev - tmpfs tmpfs "
                  "rw,size=2468408k,mode=700,uid=33,gid=33\n") },
          .rows = FOLDED("1", "\"rw\"", "\"rw\"", "/run/docker/netns/*", "", "nsfs", "nsfs")
                  FOLDED("2", "\"rw\",\"mode=700\"", "\"rw\",\"nosuid\",\"nodev\"", "/run/user/*",
                         "\"root\":\"/\",", "tmpfs", "tmpfs")
                          FOLDED("1", "\"rw\"", "\"rw\",\"nosuid\"", "/run/user/*/doc",
                                 "\"root\":\"/\",", "portal", "fuse.portal")
                                  FOLDED("2", "\"rw\",\"xino=off\"", "\"rw\",\"relatime\"",
                                         "/var/lib/docker/overlay2/*/merged", "\"root\":\"/\",",
                                         "overlay", "overlay") },
        { .name = "a disk behind an id is told, and an overlay without one",
          .part = { PART(FILE_,
                         "1 1 8:1 / /srv/" ID_B " rw - ext4 /dev/sdb1 rw\n"
                         "1 1 0:9 / /srv/x rw - overlay overlay rw,lowerdir=/a,upperdir=/b\n") },
          .rows = ROW("\"rw\"", "1", "\"rw\"", "/srv/" ID_B, "/", "/dev/sdb1", "ext4")
                  ROW("\"rw\",\"lowerdir=/a\",\"upperdir=/b\"", "1", "\"rw\"", "/srv/x", "/",
                      "overlay", "overlay") },
        { .name = "autofs without the numbers of its pipe",
          .part = { PART(FILE_, "1 1 0:9 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 "
                                "rw,fd=29,pgrp=1,timeout=0,minproto=5,direct,pipe_ino=17\n") },
          .rows = ROW("\"rw\",\"timeout=0\",\"minproto=5\",\"direct\"", "1", "\"rw\"",
                      "/proc/sys/fs/binfmt_misc", "/", "systemd-1", "autofs") },
        { .name = "lines that are none",
          .part = { PART(FILE_, "1 1 0:9 / /a rw shared:1\n\n1 1 0:9 / /a rw -\n"
                                "1 1 0:9 / /a rw - tmpfs\n1 1 0:9 / /a rw - tmpfs t rw\n") },
          .rows = ROW("\"rw\"", "1", "\"rw\"", "/a", "/", "t", "tmpfs"),
          .faults = FILE_ ":1: not what mountinfo has\n" FILE_ ":2: not what mountinfo has\n" FILE_
                          ":3: not what mountinfo has\n" FILE_ ":4: not what mountinfo has\n" },
        { .name = "no file",
          .part = { { .name = FILE_, .status = ENOENT } },
          .rows = "",
          .faults = FILE_ ":0: No such file or directory\n" },
};

static void test_mounts(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_mounts, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_mounts) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
