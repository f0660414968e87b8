// SPDX-License-Identifier: GPL-2.0-only
/* Steps: what generic netlink tells and routes; the driver, and the module itself. */
#include "faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static void count(struct nlmsghdr *header, void *arg)
{
	replies++;
}

int get(void)
{
	struct nl_msg *msg = nl_new(UVF_CMD_FUNCTION_GET, 0);

	nla_put_u32(msg, UVF_A_FUNCTION_IFINDEX, index_of(name));
	replies = 0;
	return ask(genl, msg, true, count, NULL);
}

int dump(void)
{
	replies = 0;
	return ask(genl, nl_new(UVF_CMD_FUNCTION_GET, NLM_F_DUMP), true, count, NULL);
}

static int eventfds[2];

void eventfds_open(void)
{
	eventfds[0] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	eventfds[1] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (eventfds[0] < 0 || eventfds[1] < 0)
		die(2, "no eventfd: %s", strerror(errno));
}

static int route(int cmd, int direction, bool faulty)
{
	struct nl_msg *msg = nl_new(cmd, 0);

	nla_put_u32(msg, UVF_A_ROUTE_IFINDEX, index_of(name));
	nla_put_u32(msg, UVF_A_ROUTE_VECTOR, 1);
	nla_put_u32(msg, UVF_A_ROUTE_DIRECTION, direction);
	if (cmd == UVF_CMD_ROUTE_ADD)
		nla_put_u32(msg, UVF_A_ROUTE_EVENTFD, eventfds[direction]);
	return ask(genl, msg, faulty, NULL, NULL);
}

int route_in(void)
{
	return route(UVF_CMD_ROUTE_ADD, UVF_ROUTE_DIRECTION_IN, true);
}

void route_in_end(void)
{
	done(route(UVF_CMD_ROUTE_DEL, UVF_ROUTE_DIRECTION_IN, false));
}

int route_out(void)
{
	return route(UVF_CMD_ROUTE_ADD, UVF_ROUTE_DIRECTION_OUT, true);
}

void route_out_end(void)
{
	done(route(UVF_CMD_ROUTE_DEL, UVF_ROUTE_DIRECTION_OUT, false));
}

/* --- driver and module */

static int driver_file(const char *file)
{
	char whole[128];
	int fd;

	snprintf(whole, sizeof(whole), "/sys/bus/pci/drivers/uvf/%s", file);
	fd = open(whole, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die(2, "%s: %s", whole, strerror(errno));
	return fd;
}

int driver_bind(void)
{
	int fd = driver_file("bind"), err;

	err = FAULTY(write(fd, name, strlen(name)));
	close(fd);
	return err;
}

void driver_unbind(void)
{
	int fd = driver_file("unbind");

	done(error_of(write(fd, name, strlen(name))));
	close(fd);
}

int module_insert(void)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		die(2, "%s: %s", name, strerror(errno));
	err = FAULTY(syscall(SYS_finit_module, fd, "spare=1", 0));
	close(fd);
	return err;
}

void module_remove(void)
{
	done(error_of(syscall(SYS_delete_module, "uvf", 0)));
}
