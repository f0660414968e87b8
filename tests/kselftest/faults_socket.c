// SPDX-License-Identifier: GPL-2.0-only
/* Steps: AF_XDP sockets and XDP programs. */
#include "faults.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

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

void xsk_close(void)
{
	close(xsk);
	xsk = -1;
}

int xsk_bind(void)
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

void program_load(void)
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

int program_attach(void)
{
	return program_set(program, true);
}

void program_detach(void)
{
	done(program_set(-1, false));
}

int bpf_link_make(void)
{
	union bpf_attr attr = { .link_create = { .prog_fd = program,
						 .target_ifindex = index_of(name),
						 .attach_type = BPF_XDP,
						 .flags = XDP_FLAGS_DRV_MODE } };

	return FAULTY(bpf_link = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)));
}

void bpf_link_close(void)
{
	close(bpf_link);
}
