// SPDX-License-Identifier: GPL-2.0-only
/*
 * One system call after the other in which one allocation fails.
 *
 *	faults link UPLINK NAME [WORD]…	a function is made: appliance=A vlan=N mode=N queues=N
 *	faults up NAME			it is set up
 *	faults address NAME		it is given another address
 *	faults queues UPLINK NAME queues=N TO	it is made with N queues, and given others
 *	faults socket NAME		an AF_XDP socket is bound, zero-copy
 *	faults program NAME		an XDP program is attached, over rtnetlink
 *	faults bpf-link NAME		the same by bpf(BPF_LINK_CREATE)
 *	faults get NAME			generic netlink: function-get
 *	faults dump			…and all of them
 *	faults route-in NAME		a route from an eventfd to a vector
 *	faults route-out NAME		…and one back
 *	faults bind PCI			our driver is bound
 *	faults insmod PATH		the module is loaded, spare=1
 *
 * All is prepared; then the first allocation of the system call fails (fail-nth, see
 * Documentation/fault-injection/ of the kernel), then the second, until none is left to fail. What
 * came of it is held against two pictures: of before, and of after a call in which nothing failed.
 *
 *	refused		an error, and the picture is that of before
 *	complete	no error, and the picture is that of after
 *	no vectors	as complete, but for interrupts, which a function can do without; or for
 *			the driver that brings them to a spare one
 *	unanswered	rtnetlink says ENOBUFS: it could not tell. One of the above
 *
 * Anything else ends it. Exit: 0, 1 something else, 2 not asked.
 */
#include "nl.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_FAULTS 5000
#define UNANSWERED 1 /* instead of 0 or a negative errno */

static void __attribute__((noreturn, format(printf, 2, 3))) die(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	fprintf(stderr, "faults: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(status);
}

/* --- faults ------------------------------------------------------------------------------- */

static int fail_nth;
static unsigned int nth; /* which allocation is to fail, counted from 1; 0: none */
static bool injected;

static void arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fail_nth, text, len, 0) != len)
		die(2, "fail-nth: %s", strerror(errno));
}

static int disarm(int err)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) <= 0)
		die(2, "fail-nth: %s", strerror(errno));
	injected = nth && !atoi(text);
	arm(0);
	return err;
}

static int error_of(long result)
{
	return result < 0 ? -errno : 0;
}

/* Around the one system call. */
#define FAULTY(call) (arm(nth), disarm(error_of(call)))

/* --- netlink ------------------------------------------------------------------------------ */

static struct nl_sock *rtnl, *genl;

static int await(int fd, uint32_t seq, nl_reply *each, void *arg)
{
	static char buffer[65536];
	struct nlmsghdr *reply;
	int len;

	for (;;) {
		len = recv(fd, buffer, sizeof(buffer), 0);
		if (len < 0 && errno == ENOBUFS)
			return UNANSWERED;
		if (len <= 0)
			die(1, "netlink does not answer: %s", strerror(errno));
		for (reply = (void *)buffer; nlmsg_ok(reply, len);
		     reply = nlmsg_next(reply, &len)) {
			/* An earlier one may have an answer that nobody has waited for. */
			if (reply->nlmsg_seq != seq)
				continue;
			if (reply->nlmsg_type == NLMSG_ERROR || reply->nlmsg_type == NLMSG_DONE)
				return *(int *)nlmsg_data(reply);
			if (each)
				each(reply, arg);
		}
	}
}

static int ask(struct nl_sock *sock, struct nl_msg *msg, bool faulty, nl_reply *each, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	int err, fd = nl_socket_get_fd(sock);
	static uint32_t seq = 1;

	header->nlmsg_seq = ++seq;
	header->nlmsg_pid = 0;
	header->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (faulty)
		err = FAULTY(send(fd, header, header->nlmsg_len, 0));
	else
		err = error_of(send(fd, header, header->nlmsg_len, 0));
	nlmsg_free(msg);
	return err ? err : await(fd, seq, each, arg);
}

static struct nl_msg *rtnl_new(int type, int flags, const void *head, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_size(4096);

	nlmsg_put(msg, 0, 0, type, 0, flags);
	nlmsg_append(msg, (void *)head, size, NLMSG_ALIGNTO);
	return msg;
}

static struct nl_msg *link_new(int flags, int index, unsigned int up)
{
	struct ifinfomsg info = { .ifi_index = index, .ifi_flags = up, .ifi_change = IFF_UP };

	if (up == (unsigned int)-1)
		info.ifi_flags = info.ifi_change = 0;
	return rtnl_new(RTM_NEWLINK, flags, &info, sizeof(info));
}

/* --- a picture of what there is ----------------------------------------------------------- */

struct picture {
	char text[32768];
	size_t len;
	unsigned int irqs;
};

static void __attribute__((format(printf, 2, 3))) draw(struct picture *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	p->len += vsnprintf(p->text + p->len, sizeof(p->text) - p->len, format, args);
	va_end(args);
	if (p->len >= sizeof(p->text))
		die(2, "there is too much to look at");
}

static void draw_attr(struct picture *p, const struct nlattr *attr)
{
	const uint8_t *data = nla_data(attr);
	int i;

	draw(p, " %d=", nla_type(attr));
	for (i = 0; i < nla_len(attr); i++)
		draw(p, "%02x", data[i]);
}

static void draw_info(struct picture *p, struct nlattr *info)
{
	struct nlattr *data = nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA), *attr;
	struct nlattr *kind = nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND);
	int rest;

	if (!kind || strcmp(nla_get_string(kind), UVF_KIND) || !data)
		return;
	nla_for_each_nested(attr, data, rest)
		if (nla_type(attr) != IFLA_UVF_PCI)
			draw_attr(p, attr);
}

static void draw_link(struct nlmsghdr *header, void *p)
{
	const struct ifinfomsg *info = nlmsg_data(header);
	struct nlattr *attr;
	int rest;

	draw(p, "link %x:", info->ifi_flags & (IFF_UP | IFF_PROMISC | IFF_ALLMULTI));
	nla_for_each_attr(attr, nlmsg_attrdata(header, sizeof(*info)),
			  nlmsg_attrlen(header, sizeof(*info)), rest)
		switch (nla_type(attr)) {
		case IFLA_IFNAME:
		case IFLA_ADDRESS:
		case IFLA_MTU:
		case IFLA_MAX_MTU:
		case IFLA_PROMISCUITY:
			draw_attr(p, attr);
			break;
		case IFLA_XDP:
			draw_attr(p, nla_find(nla_data(attr), nla_len(attr), IFLA_XDP_ATTACHED));
			break;
		case IFLA_LINKINFO:
			draw_info(p, attr);
		}
	draw(p, "\n");
}

/* The uplinks' filters. Groups come and go with the addresses of the stack. */
static void draw_filter(struct nlmsghdr *header, void *p)
{
	const struct ndmsg *nd = nlmsg_data(header);
	struct nlattr *attr = nlmsg_find_attr(header, sizeof(*nd), NDA_LLADDR);

	if (!attr || *(uint8_t *)nla_data(attr) & 1)
		return;
	draw(p, "filter");
	draw_attr(p, attr);
	draw(p, "\n");
}

static void draw_function(struct nlmsghdr *header, void *p)
{
	struct nlattr *attr = genlmsg_attrdata(nlmsg_data(header), 0);
	int rest = genlmsg_attrlen(nlmsg_data(header), 0);
	struct nlattr *state = nla_find(attr, rest, UVF_A_FUNCTION_STATE);

	if (!state || nla_get_u32(state) != UVF_FUNCTION_STATE_USED)
		return;
	draw(p, "function");
	for (; nla_ok(attr, rest); attr = nla_next(attr, &rest))
		if (nla_type(attr) != UVF_A_FUNCTION_IFINDEX &&
		    nla_type(attr) != UVF_A_FUNCTION_PCI)
			draw_attr(p, attr);
	draw(p, "\n");
}

static void draw_vector(struct nlmsghdr *header, void *p)
{
	struct nlattr *attr = genlmsg_attrdata(nlmsg_data(header), 0);
	int rest = genlmsg_attrlen(nlmsg_data(header), 0);

	draw(p, "vector");
	for (; nla_ok(attr, rest); attr = nla_next(attr, &rest))
		if (nla_type(attr) == UVF_A_VECTOR_IRQ)
			((struct picture *)p)->irqs++;
		else if (nla_type(attr) != UVF_A_VECTOR_IFINDEX &&
			 nla_type(attr) != UVF_A_VECTOR_PCI)
			draw_attr(p, attr);
	draw(p, "\n");
}

#define DEVICES "/sys/bus/pci/devices"

static bool is_used(const char *name)
{
	char path[320], class[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), DEVICES "/%s/class", name);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(class, sizeof(class), file))
		class[0] = 0;
	fclose(file);
	return strtoul(class, NULL, 16) == UVF_PCI_CLASS_USED;
}

/*
 * Of our domain, which is above 16 bits. Spare ones come as they may, but when the module is new:
 * one that the driver could not be bound to then, which brings the interrupts, has none.
 */
static void draw_devices(struct picture *p, bool spare)
{
	unsigned int used = 0, bound = 0, all = 0;
	struct dirent *entry;
	char path[320];
	DIR *dir = opendir(DEVICES);

	while (dir && (entry = readdir(dir))) {
		if (strlen(entry->d_name) < sizeof("10000:00:00.0") - 1)
			continue;
		all++;
		snprintf(path, sizeof(path), DEVICES "/%s/driver", entry->d_name);
		if (spare)
			p->irqs += !access(path, F_OK);
		if (!is_used(entry->d_name))
			continue;
		used++;
		bound += !access(path, F_OK);
	}
	if (dir)
		closedir(dir);
	draw(p, "devices %u used, %u bound, %u in all\n", used, bound, spare ? all : 0);
}

static void must(int err)
{
	if (err)
		die(1, "the kernel does not tell what there is: %s", strerror(abs(err)));
}

static void look(struct picture *p)
{
	const struct ifinfomsg any = {}, bridge = { .ifi_family = AF_BRIDGE };
	bool loaded = !access("/sys/module/uvf", F_OK);

	*p = (struct picture){};
	draw(p, "module %d, root device %d\n", loaded, !access("/sys/devices/uvf", F_OK));
	draw_devices(p, !genl);
	must(ask(rtnl, rtnl_new(RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any)), false, draw_link, p));
	must(ask(rtnl, rtnl_new(RTM_GETNEIGH, NLM_F_DUMP, &bridge, sizeof(bridge)), false,
		 draw_filter, p));
	if (!genl)
		return;
	must(ask(genl, nl_new(UVF_CMD_FUNCTION_GET, NLM_F_DUMP), false, draw_function, p));
	must(ask(genl, nl_new(UVF_CMD_VECTOR_GET, NLM_F_DUMP), false, draw_vector, p));
}

/* --- what is asked ------------------------------------------------------------------------ */

static char **words; /* of the command line, after the step's name */
static const char *name;
static uint8_t address[ETH_ALEN] = { 2, 0, 0, 0, 0, 1 };
static unsigned int replies;

static void count(struct nlmsghdr *header, void *arg)
{
	replies++;
}

static int index_of(const char *device)
{
	int index = if_nametoindex(device);

	if (!index)
		die(2, "there is no device '%s'", device);
	return index;
}

static void done(int err)
{
	if (err)
		die(1, "it can't be undone: %s", strerror(abs(err)));
}

/* --- links */

static void put_words(struct nl_msg *msg, char **word)
{
	for (; *word; word++) {
		const char *value = strchr(*word, '=');

		if (!value)
			die(2, "'%s' has no value", *word);
		if (!strncmp(*word, "appliance=", 10))
			nla_put_string(msg, IFLA_UVF_APPLIANCE, value + 1);
		else if (!strncmp(*word, "vlan=", 5))
			nla_put_u16(msg, IFLA_UVF_VLAN, atoi(value + 1));
		else if (!strncmp(*word, "mode=", 5))
			nla_put_u32(msg, IFLA_UVF_MODE, atoi(value + 1));
		else if (!strncmp(*word, "queues=", 7))
			nla_put_u32(msg, IFLA_UVF_QUEUES, atoi(value + 1));
		else
			die(2, "'%s' is not known", *word);
	}
}

static int link_make(const char *uplink, const char *device, char **more, unsigned int up,
		     bool faulty)
{
	struct nl_msg *msg = link_new(NLM_F_CREATE | NLM_F_EXCL, 0, up);
	struct nlattr *info, *data;

	nla_put_u32(msg, IFLA_LINK, index_of(uplink));
	nla_put_string(msg, IFLA_IFNAME, device);
	nla_put(msg, IFLA_ADDRESS, sizeof(address), address);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, UVF_KIND);
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	put_words(msg, more);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return ask(rtnl, msg, faulty, NULL, NULL);
}

static void link_unmake(const char *device)
{
	const struct ifinfomsg info = { .ifi_index = index_of(device) };

	done(ask(rtnl, rtnl_new(RTM_DELLINK, 0, &info, sizeof(info)), false, NULL, NULL));
}

static int make(void)
{
	return link_make(words[0], words[1], words + 2, -1, true);
}

static void unmake(void)
{
	link_unmake(words[1]);
}

static int up(void)
{
	return ask(rtnl, link_new(0, index_of(name), IFF_UP), true, NULL, NULL);
}

static void down(void)
{
	done(ask(rtnl, link_new(0, index_of(name), 0), false, NULL, NULL));
}

static int set_address(uint8_t last, bool faulty)
{
	struct nl_msg *msg = link_new(0, index_of(name), -1);

	address[5] = last;
	nla_put(msg, IFLA_ADDRESS, sizeof(address), address);
	return ask(rtnl, msg, faulty, NULL, NULL);
}

static int readdress(void)
{
	return set_address(2, true);
}

static void address_back(void)
{
	done(set_address(1, false));
}

/* --- queues */

static int channels_ioctl(const char *device, struct ethtool_channels *channels, bool faulty)
{
	struct ifreq request = { .ifr_data = (void *)channels };
	int err, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strncpy(request.ifr_name, device, IFNAMSIZ - 1);
	if (faulty)
		err = FAULTY(ioctl(fd, SIOCETHTOOL, &request));
	else
		err = error_of(ioctl(fd, SIOCETHTOOL, &request));
	close(fd);
	return err;
}

/* Queues once made stay made: for all of their allocations, the function is made anew. */
static void renew(void)
{
	char *queues[] = { words[2], NULL };

	if (if_nametoindex(words[1]))
		link_unmake(words[1]);
	done(link_make(words[0], words[1], queues, IFF_UP, false));
}

static int channels_change(void)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	done(channels_ioctl(words[1], &channels, false));
	channels.cmd = ETHTOOL_SCHANNELS;
	channels.combined_count = atoi(words[3]);
	return channels_ioctl(words[1], &channels, true);
}

/* --- sockets and programs */

#define UMEM_SIZE (64 * 4096)
#define RING 64

static int xsk = -1;

static void xsk_prepare(void)
{
	static void *memory;
	struct xdp_umem_reg umem = { .len = UMEM_SIZE, .chunk_size = 4096 };
	int size = RING;

	if (!memory)
		memory = mmap(NULL, UMEM_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	umem.addr = (uintptr_t)memory;
	xsk = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (xsk < 0 || memory == MAP_FAILED ||
	    setsockopt(xsk, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)) ||
	    setsockopt(xsk, SOL_XDP, XDP_UMEM_FILL_RING, &size, sizeof(size)) ||
	    setsockopt(xsk, SOL_XDP, XDP_UMEM_COMPLETION_RING, &size, sizeof(size)) ||
	    setsockopt(xsk, SOL_XDP, XDP_RX_RING, &size, sizeof(size)) ||
	    setsockopt(xsk, SOL_XDP, XDP_TX_RING, &size, sizeof(size)))
		die(2, "no AF_XDP socket: %s", strerror(errno));
}

static void xsk_close(void)
{
	close(xsk);
	xsk = -1;
}

static int xsk_bind(void)
{
	struct sockaddr_xdp to = { .sxdp_family = AF_XDP,
				   .sxdp_flags = XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP,
				   .sxdp_ifindex = index_of(name) };
	int err;

	xsk_prepare();
	err = FAULTY(bind(xsk, (struct sockaddr *)&to, sizeof(to)));
	if (err)
		xsk_close();
	return err;
}

static int program, bpf_link = -1;

static void program_load(void)
{
	/* r0 = XDP_PASS; exit */
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	program = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", code, 2, NULL);
	if (program < 0)
		die(2, "no program: %s", strerror(errno));
}

static int program_set(int fd, bool faulty)
{
	struct nl_msg *msg = link_new(0, index_of(name), -1);
	struct nlattr *xdp = nla_nest_start(msg, IFLA_XDP);

	nla_put_s32(msg, IFLA_XDP_FD, fd);
	nla_put_u32(msg, IFLA_XDP_FLAGS, XDP_FLAGS_DRV_MODE);
	nla_nest_end(msg, xdp);
	return ask(rtnl, msg, faulty, NULL, NULL);
}

static int program_attach(void)
{
	return program_set(program, true);
}

static void program_detach(void)
{
	done(program_set(-1, false));
}

static int bpf_link_make(void)
{
	union bpf_attr attr = { .link_create = { .prog_fd = program,
						 .target_ifindex = index_of(name),
						 .attach_type = BPF_XDP,
						 .flags = XDP_FLAGS_DRV_MODE } };

	return FAULTY(bpf_link = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)));
}

static void bpf_link_close(void)
{
	close(bpf_link);
}

/* --- generic netlink */

static int get(void)
{
	struct nl_msg *msg = nl_new(UVF_CMD_FUNCTION_GET, 0);

	nla_put_u32(msg, UVF_A_FUNCTION_IFINDEX, index_of(name));
	replies = 0;
	return ask(genl, msg, true, count, NULL);
}

static int dump(void)
{
	replies = 0;
	return ask(genl, nl_new(UVF_CMD_FUNCTION_GET, NLM_F_DUMP), true, count, NULL);
}

static int eventfds[2];

static void eventfds_open(void)
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

static int route_in(void)
{
	return route(UVF_CMD_ROUTE_ADD, UVF_ROUTE_DIRECTION_IN, true);
}

static void route_in_end(void)
{
	done(route(UVF_CMD_ROUTE_DEL, UVF_ROUTE_DIRECTION_IN, false));
}

static int route_out(void)
{
	return route(UVF_CMD_ROUTE_ADD, UVF_ROUTE_DIRECTION_OUT, true);
}

static void route_out_end(void)
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

static int driver_bind(void)
{
	int fd = driver_file("bind"), err;

	err = FAULTY(write(fd, name, strlen(name)));
	close(fd);
	return err;
}

static void driver_unbind(void)
{
	int fd = driver_file("unbind");

	done(error_of(write(fd, name, strlen(name))));
	close(fd);
}

static int module_insert(void)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		die(2, "%s: %s", name, strerror(errno));
	err = FAULTY(syscall(SYS_finit_module, fd, "spare=1", 0));
	close(fd);
	return err;
}

static void module_remove(void)
{
	done(error_of(syscall(SYS_delete_module, "uvf", 0)));
}

/* --- one after the other ------------------------------------------------------------------ */

static const struct step {
	const char *name;
	int nr_words;
	int (*act)(void);
	void (*undo)(void); /* what succeeded, if there is something to undo */
	void (*prepare)(void); /* once */
	void (*renew)(void); /* before each act */
	bool adds; /* a function with its vectors, to those that are there */
} steps[] = {
	{ .name = "link", .nr_words = 2, .act = make, .undo = unmake, .adds = true },
	{ .name = "up", .nr_words = 1, .act = up, .undo = down },
	{ .name = "address", .nr_words = 1, .act = readdress, .undo = address_back },
	{ .name = "queues", .nr_words = 4, .act = channels_change, .renew = renew },
	{ .name = "socket", .nr_words = 1, .act = xsk_bind, .undo = xsk_close },
	{ .name = "program", .nr_words = 1, .act = program_attach, .undo = program_detach,
	  .prepare = program_load },
	{ .name = "bpf-link", .nr_words = 1, .act = bpf_link_make, .undo = bpf_link_close,
	  .prepare = program_load },
	{ .name = "get", .nr_words = 1, .act = get },
	{ .name = "dump", .act = dump },
	{ .name = "route-in", .nr_words = 1, .act = route_in, .undo = route_in_end,
	  .prepare = eventfds_open },
	{ .name = "route-out", .nr_words = 1, .act = route_out, .undo = route_out_end,
	  .prepare = eventfds_open },
	{ .name = "bind", .nr_words = 1, .act = driver_bind, .undo = driver_unbind, .adds = true },
	{ .name = "insmod", .nr_words = 1, .act = module_insert, .undo = module_remove },
};

static struct picture before, after, now;
static unsigned int refused, complete, no_vectors, unanswered;

static bool looks(const struct picture *want)
{
	return !strcmp(now.text, want->text);
}

/* Carrier, a socket's pool, a spare function follow in their own time. */
static const struct picture *await_picture(const struct picture *one, const struct picture *other)
{
	const char *scale = getenv("TIMEOUT_SCALE");
	time_t end = time(NULL) + 5 * (scale ? atoi(scale) : 1);

	for (;;) {
		look(&now);
		if (looks(one) && (one == &after || now.irqs == one->irqs))
			return one;
		if (looks(other))
			return other;
		if (time(NULL) > end)
			die(1, "fault %u leaves this, with %u interrupts:\n%s"
			    "where there should be, with %u:\n%s", nth, now.irqs, now.text,
			    one->irqs, one->text);
		usleep(20000);
	}
}

/* A picture that has not changed for a second. */
static void look_at_rest(struct picture *p)
{
	int quiet = 0;

	for (look(p); quiet < 5; quiet++) {
		usleep(200000);
		look(&now);
		if (looks(p))
			continue;
		*p = now;
		quiet = 0;
	}
}

static void undo(const struct step *step)
{
	if (step->undo)
		step->undo();
	if (step->undo || !step->renew)
		await_picture(&before, &before);
}

static void judge_complete(const struct step *step, unsigned int wanted_replies)
{
	if (replies != wanted_replies)
		die(1, "fault %u: %u replies instead of %u, and no error", nth, replies,
		    wanted_replies);
	if (now.irqs == after.irqs)
		complete++;
	else if (now.irqs == (step->adds ? before.irqs : 0))
		no_vectors++;
	else
		die(1, "fault %u: %u interrupts, where there are %u or none", nth, now.irqs,
		    after.irqs);
}

/* False when no allocation was left to fail. */
static bool inject(const struct step *step, unsigned int wanted_replies)
{
	const struct picture *is;
	int err;

	if (step->renew)
		step->renew();
	err = step->act();
	if (!injected && err)
		die(1, "it fails without a fault: %s", strerror(abs(err)));
	if (err < 0)
		is = await_picture(&before, &before);
	else if (err == UNANSWERED)
		is = await_picture(&after, &before);
	else
		is = await_picture(&after, &after);
	unanswered += err == UNANSWERED;
	if (err < 0)
		refused++;
	else if (!err && injected)
		judge_complete(step, wanted_replies);
	if (is == &after)
		undo(step);
	return injected;
}

static void run(const struct step *step)
{
	unsigned int wanted_replies;
	time_t begin = time(NULL);
	int err;

	if (step->renew)
		step->renew();
	look_at_rest(&before);
	err = step->act();
	if (err)
		die(1, "it fails without a fault: %s", strerror(abs(err)));
	wanted_replies = replies;
	look_at_rest(&after);
	if (step->undo && looks(&before))
		die(2, "there is nothing to be seen of it");
	undo(step);
	for (nth = 1; inject(step, wanted_replies); nth++)
		if (nth == MAX_FAULTS)
			die(1, "there is no end of faults");
	printf("%s: %u faults: %u refused, %u complete, %u no vectors, %u unanswered; %ld s\n",
	       step->name, nth - 1, refused, complete, no_vectors, unanswered,
	       (long)(time(NULL) - begin));
}

int main(int argc, char **argv)
{
	size_t i;

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		die(2, "this kernel injects no faults");
	for (i = 0; argc > 1 && i < sizeof(steps) / sizeof(*steps); i++) {
		if (strcmp(argv[1], steps[i].name) || argc - 2 < steps[i].nr_words)
			continue;
		words = argv + 2;
		name = words[0];
		rtnl = nl_socket_alloc();
		must(nl_connect(rtnl, NETLINK_ROUTE));
		if (steps[i].act != module_insert)
			genl = nl_open();
		if (steps[i].prepare)
			steps[i].prepare();
		/* A page of ours that is missing would count. */
		if (mlockall(MCL_CURRENT | MCL_FUTURE))
			die(2, "mlockall: %s", strerror(errno));
		run(&steps[i]);
		return 0;
	}
	die(2, "which step? They are at the head of faults.c");
}
