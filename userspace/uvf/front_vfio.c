// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf front vfio: a function as a VFIO device, with a personality.
 *
 * What takes rights is done here: to give the function's PCI side to the driver uvf-vfio, to select
 * it on a channel of /dev/uvf-vfio, and to open what the operator says things by. uvf-vfio, the
 * interface process, is executed without any.
 */
#include "appliance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "front_control.h"
#include "uapi/linux/uvf_vfio.h"
#include "why.h"

#define BACKLOG 4
#define PATIENCE_MS 5000
#define STEP_MS 20

struct plan {
	struct front_plan front;
	const char *personality;
	bool take_over;
	int channel;
	int control;
};

/* --- options ---------------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "personality", 'p', "NAME", 0,
	  "what it is to its user: one that `uvf personality list` lists, or a path with a '/'",
	  0 },
	{ "take-over", 't', NULL, 0, "end who serves the function, and go on in its place", 0 },
	{ "appliance", 'a', "NAME", 0,
	  "the appliance's name (default: the one that the function was made for)", 0 },
	{ "user", 'u', "USER", 0,
	  "run as USER (default: the user named as the appliance, else nobody)", 0 },
	{ 0 },
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
	struct plan *plan = state->input;

	switch (key) {
	case 'p':
		plan->personality = arg;
		return 0;
	case 't':
		plan->take_over = true;
		return 0;
	case ARGP_KEY_ARG:
		front_function(&plan->front, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (!plan->front.appliance.count)
			argp_failure(state, 64, 0, "which function? `uvf list` shows those there "
						   "are");
		if (!plan->personality)
			argp_failure(state, 64, 0, "give --personality NAME: `uvf personality "
						   "list` shows those there are");
		return 0;
	}
	return front_option(key, arg, &plan->front);
}

/* --- the driver ------------------------------------------------------------------------------- */

static void modprobe(void)
{
	pid_t pid = fork();

	if (!pid) {
		execlp("modprobe", "modprobe", "-q", UVF_VFIO_DRIVER, NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static int module_need(void)
{
	if (access(UVF_VFIO_DEVICE, F_OK))
		modprobe();
	if (!access(UVF_VFIO_DEVICE, F_OK))
		return 0;
	return uvf_fail(ENODEV, "there is no %s: is uvf-vfio.ko installed (`modprobe uvf-vfio`), "
				"and does this kernel have VFIO?", UVF_VFIO_DEVICE);
}

static int sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return uvf_fail(errno, "can't open %s: %s", path, strerror(errno));
	if (write(fd, text, strlen(text)) < 0)
		err = uvf_fail(errno, "can't write to %s: %s", path, strerror(errno));
	close(fd);
	return err;
}

/* The driver that the PCI device at @pci has; "": none. */
static void driver_of(const char *pci, char *driver, size_t size)
{
	char path[128], target[PATH_MAX];
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", pci);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	slash = strrchr(target, '/');
	snprintf(driver, size, "%.*s", (int)size - 1, slash ? slash + 1 : "");
}

static int rebind(const char *pci)
{
	char path[128], driver[64];
	int err;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", pci);
	err = sysfs_write(path, UVF_VFIO_DRIVER);
	driver_of(pci, driver, sizeof(driver));
	if (!err && *driver) {
		snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/unbind", driver);
		err = sysfs_write(path, pci);
	}
	return err ?: sysfs_write("/sys/bus/pci/drivers_probe", pci);
}

static int driver_need(const struct front_plan *plan)
{
	char driver[64];
	int err;

	if (!*plan->pci)
		return uvf_fail(ENODEV, "%s is no PCI function: its backend is veth, and a VFIO "
					"device takes the module's (uvf)",
				plan->appliance.functions[0]);
	err = module_need();
	driver_of(plan->pci, driver, sizeof(driver));
	if (err || !strcmp(driver, UVF_VFIO_DRIVER))
		return err;
	err = rebind(plan->pci);
	driver_of(plan->pci, driver, sizeof(driver));
	if (err || !strcmp(driver, UVF_VFIO_DRIVER))
		return err;
	return uvf_fail(EIO, "the driver " UVF_VFIO_DRIVER " does not take %s, as the kernel's log "
			"may tell", plan->pci);
}

/* --- the channel ------------------------------------------------------------------------------ */

static int channel_open(struct plan *plan)
{
	struct uvf_vfio_select select = {
		.size = sizeof(select),
		.flags = plan->take_over ? UVF_VFIO_SELECT_TAKE_OVER : 0,
	};
	const char *function = plan->front.appliance.functions[0];

	memcpy(select.pci, plan->front.pci, strnlen(plan->front.pci, sizeof(select.pci) - 1));
	plan->channel = open(UVF_VFIO_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (plan->channel < 0)
		return uvf_fail(errno, "can't open %s: %s", UVF_VFIO_DEVICE, strerror(errno));
	if (!ioctl(plan->channel, UVF_VFIO_SELECT, &select))
		return 0;
	if (errno == EBUSY)
		return uvf_fail(EBUSY, "another process serves %s: --take-over ends it; `uvf front "
				"swap` gives it another personality", function);
	return uvf_fail(errno, "can't serve %s at %s: %s", function, plan->front.pci,
			strerror(errno));
}

/* --- the operator's socket -------------------------------------------------------------------- */

/* Whoever had it before served the function, and does no more. */
static int control_open(struct plan *plan)
{
	struct sockaddr_un addr;
	int sock, err = front_control_address(plan->front.appliance.functions[0], &addr);
	mode_t mask = umask(0177);

	front_directory();
	sock = err ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(addr.sun_path);
	if (!err && (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
		     listen(sock, BACKLOG)))
		err = uvf_fail(errno, "can't listen on %s: %s", addr.sun_path, strerror(errno));
	umask(mask);
	plan->control = sock;
	return err;
}

/* Whoever served before may be about to end: what he leaves is had when he has. */
static int await_predecessor(struct plan *plan)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	int counters = front_count(&plan->front), n = 0;

	while (counters >= 0 && flock(counters, LOCK_EX | LOCK_NB) && n++ < PATIENCE_MS / STEP_MS)
		nanosleep(&step, NULL);
	if (counters >= 0)
		close(counters);
	return n <= PATIENCE_MS / STEP_MS ? 0 :
	       uvf_fail(EBUSY, "another interface process of %s does not end: `uvf front show` "
			"tells its pid", plan->front.appliance.functions[0]);
}

/* Nobody's but root's, and the process's, who has it by its descriptor. */
static int state_open(const struct plan *plan)
{
	char path[PATH_MAX];

	counters_path(path, plan->front.appliance.functions[0]);
	strncat(path, ".state", sizeof(path) - strlen(path) - 1);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* --- beginning -------------------------------------------------------------------------------- */

static int execute(struct plan *plan)
{
	int counters = front_count(&plan->front), state = state_open(plan), n = 0;
	char channel[16], control[16], counter[16], kept[16];
	int err = appliance_become(&plan->front.appliance);
	const char *argv[16];

	if (err)
		return err;
	front_inherit(plan->channel);
	front_inherit(plan->control);
	front_inherit(counters);
	front_inherit(state);
	snprintf(channel, sizeof(channel), "-c%d", plan->channel);
	snprintf(control, sizeof(control), "-l%d", plan->control);
	snprintf(counter, sizeof(counter), "-n%d", counters);
	argv[n++] = plan->front.program;
	argv[n++] = channel;
	argv[n++] = control;
	snprintf(kept, sizeof(kept), "-s%d", state);
	if (counters >= 0)
		argv[n++] = counter;
	if (state >= 0)
		argv[n++] = kept;
	argv[n++] = "--pci";
	argv[n++] = plan->front.pci;
	argv[n++] = "--personality";
	argv[n++] = plan->personality;
	argv[n++] = plan->front.appliance.functions[0];
	argv[n] = NULL;
	return front_program(&plan->front, argv);
}

int front_vfio(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = on_option,
		.args_doc = "FUNCTION",
		.doc = "Presents a function as a PCI network card to a virtual machine or a driver "
		       "in user space, by VFIO. Runs in the foreground, as an unprivileged user.",
	};
	struct plan plan = { .front.program = FRONT_VFIO, .channel = -1, .control = -1 };

	parse(&argp, argc, argv, &plan);
	if (must_be_root("uvf front vfio", "it gives a PCI function another driver") ||
	    front_check(&plan.front) || driver_need(&plan.front) || channel_open(&plan) ||
	    await_predecessor(&plan) || control_open(&plan))
		return fail();
	execute(&plan);
	return fail();
}
