/* SPDX-License-Identifier: Apache-2.0 */
/* The paths are those that the engines make, as their own documentation, their tests and reports of
 * their users show them; what each calls the container is beside it. */
#include "sys/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define POD   "ac04f3f2_1f2c_11e9_b015_1ebee232acfa"
#define USER  "/user.slice/user-1000.slice/user@1000.service"
#define KUBE  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD ".slice"
#define LONG  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static const struct {
        const char *path, *unit, *container;
        bool nested;
} names[] = {
        /* ---- no container ---- */
        { "/", "", "", false },
        { "", "", "", false },
        { "/init.scope", "init.scope", "", false },
        { "/system.slice/ssh.service", "ssh.service", "", false },
        { "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "", false },
        { "/system.slice/udev.service/udev", "udev.service", "", false },
        { "/user.slice/user-1000.slice/session-4.scope", "session-4.scope", "", false },
        { USER "/init.scope", "init.scope", "", true },
        { USER "/app.slice/run.service", "run.service", "", true },
        { USER "/app.slice/app-flatpak-org.gnome.Maps-42.scope",
          "app-flatpak-org.gnome.Maps-42.scope", "", true },
        { "/system.slice/containerd.service", "containerd.service", "", false },
        { "/.service", "/.service", "", false },
        /* ---- nobody's that is known: the path ---- */
        { "/user.slice", "/user.slice", "", false },
        { "/openrc/sshd", "/openrc/sshd", "", false },
        { "/default/web", "/default/web", "", false },
        { "/garden/5a3f0b6e-2a62-4b0a-5a0b-0c3e", "/garden/5a3f0b6e-2a62-4b0a-5a0b-0c3e", "",
          false },
        { "/docker/" ID "0", "/docker/" ID "0", "", false },
        { "/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
          "/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "", false },
        { "/" LONG "/" LONG "/" LONG "/" LONG, "/" LONG "/" LONG "/" LONG, "", false },
        { "/" LONG LONG LONG LONG, "", "", false },
        /* with systemd's names, chosen there */
        { "/default/web/system.slice/ssh.service", "ssh.service", "", true },
        /* ---- docker ---- */
        { "/docker/" ID, "", ID, false },
        { "/" ID, "", ID, false },
        { "/system.slice/docker-" ID ".scope", "docker-" ID ".scope", ID, false },
        { USER "/user.slice/docker-" ID ".scope", "docker-" ID ".scope", ID, true },
        { "/docker/" ID "/system.slice/ssh.service", "ssh.service", ID, true },
        { "/docker/buildkit/n4eu0udvbz9vfzjy71jkvgkwh", "", "n4eu0udvbz9vfzjy71jkvgkwh", false },
        { "/docker/buildkit", "/docker/buildkit", "", false },
        /* ---- podman, as root and not, from a unit, and in a pod ---- */
        { "/machine.slice/libpod-" ID ".scope", "libpod-" ID ".scope", ID, false },
        { "/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", ID, false },
        { USER "/user.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", ID, true },
        { "/machine.slice/machine-libpod_pod_" OTHER ".slice/libpod-" ID ".scope",
          "libpod-" ID ".scope", ID, false },
        { "/system.slice/nginx.service/libpod-payload-" ID, "nginx.service", ID, false },
        { "/libpod_parent/libpod-" ID, "", ID, false },
        { "/libpod_parent/" OTHER "/libpod-" ID, "", ID, false },
        /* its monitors are not in it */
        { "/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope", "", false },
        { "/libpod_parent/conmon", "/libpod_parent/conmon", "", false },
        { "/libpod_parent/" OTHER "/conmon", "/libpod_parent/" OTHER "/conmon", "", false },
        { "/system.slice/nginx.service/runtime", "nginx.service", "", false },
        /* ---- containerd, CRI-O, Kubernetes ---- */
        { "/default/" ID, "", ID, false },
        { "/system.slice/nerdctl-" ID ".scope", "nerdctl-" ID ".scope", ID, false },
        { "/kubepods/besteffort/podac04f3f2-1f2c-11e9-b015-1ebee232acfa/" ID, "", ID, false },
        { "/kubepods/besteffort/podac04f3f2-1f2c-11e9-b015-1ebee232acfa/crio-" ID, "", ID, false },
        { KUBE "/cri-containerd-" ID ".scope", "cri-containerd-" ID ".scope", ID, false },
        { KUBE "/crio-" ID ".scope/container", "crio-" ID ".scope", ID, false },
        { KUBE "/docker-" ID ".scope", "docker-" ID ".scope", ID, false },
        { KUBE "/crio-conmon-" ID ".scope", "crio-conmon-" ID ".scope", "", false },
        { "/system.slice/containerd.service/kubepods-burstable-pod" POD ".slice:cri-containerd:" ID,
          "containerd.service", ID, false },
        { "/kuberuntime/containerd/kubepods-pod" POD ":cri-containerd:" ID, "", ID, false },
        { "/kubepods/besteffort/pod1/cri-containerd-" ID ".scope/init.scope", "init.scope", ID,
          true },
        { "/ecs/c5a1b2e0d4e94d0c9a6e1f0c2b3d4e5f/" ID, "", ID, false },
        /* ---- LXC, and what stands on it ---- */
        { "/lxc.payload.web-1", "", "web-1", false },
        { "/lxc.payload.web-1/system.slice/cron.service", "cron.service", "web-1", true },
        { "/lxc.payload/101/init.scope", "init.scope", "101", true },
        { "/lxc/101/ns/system.slice/cron.service", "cron.service", "101", true },
        { "/user.slice/user-1000.slice/session-4.scope/lxc.payload.own", "session-4.scope", "own",
          false },
        { "/lxc.monitor.web-1", "/lxc.monitor.web-1", "", false },
        { "/lxc.monitor/101", "/lxc.monitor/101", "", false },
        { "/lxc", "/lxc", "", false },
        /* ---- systemd-nspawn, and who asks machined for a group ---- */
        { "/machine.slice/systemd-nspawn@jammy.service/payload/init.scope", "init.scope", "jammy",
          true },
        { "/machine.slice/systemd-nspawn@jammy.service/payload", "systemd-nspawn@jammy.service",
          "jammy", false },
        { "/machine.slice/systemd-nspawn@jammy.service/supervisor", "systemd-nspawn@jammy.service",
          "", false },
        { "/machine.slice/machine-my\\x2dbox.scope/payload/system.slice/x.service", "x.service",
          "my-box", true },
        { "/machine.slice/machine-a\\x2.scope/payload", "machine-a\\x2.scope", "a\\x2", false },
        { "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
          "machine-qemu\\x2d1\\x2dvm.scope", "", false },
        { "/payload", "/payload", "", false },
        /* ---- runc and crun by themselves ---- */
        { "/system.slice/runc-web.scope", "runc-web.scope", "web", false },
        { "/user.slice/crun-web.scope/container", "crun-web.scope", "web", false },
        { "/system.slice/runc-.scope", "runc-.scope", "", false },
        /* ---- within each other: the host's own, and the innermost ---- */
        { "/docker/" ID "/kubepods.slice/cri-containerd-" OTHER ".scope",
          "cri-containerd-" OTHER ".scope", ID "/" OTHER, true },
        { "/lxc.payload.ci/docker/" ID, "", "ci/" ID, false },
        { "/lxc.payload.a/lxc.payload.b/lxc.payload.c", "", "a/c", false },
        { "/docker/" ID "/docker/" ID, "", ID, false },
        /* who calls it what no entry can say is in the host's own */
        { "/docker/" ID "/lxc.payload.\xff/\xff.service", "", ID, false },
        { "/lxc.payload.a/lxc.payload.b/lxc.payload.\xff", "", "a", false },
        { "/lxc.payload." LONG LONG LONG "/lxc.payload." LONG LONG "m", "",
          LONG LONG LONG "/" LONG LONG "m", false },
};

static void test_names(void **state)
{
        struct cgroup_names n;

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                print_message("%s\n", names[i].path);
                cgroup_names(span_str(names[i].path), true, &n);
                assert_true(span_eq_str(n.unit, names[i].unit));
                assert_true(span_eq_str(cgroup_container(&n), names[i].container));
                assert_int_equal(n.nested, names[i].nested);
        }
}

/* Only its end is known: nothing says what that lies in, but for who was asked before. */
static const struct {
        const char *end, *before, *unit, *container;
} ends[] = {
        { "/d/d/d", "", "", "" },
        { "/d/d/d", ID, "", ID },
        { "/d/ssh.service", ID, "ssh.service", ID },
        { "/d/docker-" OTHER ".scope", ID, "docker-" OTHER ".scope", ID "/" OTHER },
        { "/d/docker-" OTHER ".scope", "ci/" ID, "docker-" OTHER ".scope", "ci/" OTHER },
        { "/d/docker-" OTHER ".scope", "", "docker-" OTHER ".scope", OTHER },
        { "/d/d", "ci/" ID, "", "ci/" ID },
        { "/docker/" ID "/d", ID, "", ID },
        { "/docker/" ID "/docker/" OTHER, ID, "", ID "/" OTHER },
};

static void test_ends(void **state)
{
        struct cgroup_names n;

        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                print_message("%s in %s\n", ends[i].end, ends[i].before);
                cgroup_names(span_str(ends[i].end), false, &n);
                cgroup_within(&n, span_str(ends[i].before));
                assert_true(span_eq_str(n.unit, ends[i].unit));
                assert_true(span_eq_str(cgroup_container(&n), ends[i].container));
                assert_true(n.nested);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
