// SPDX-License-Identifier: GPL-2.0-only
/* The programs on an uplink and its ports, and their maps. See include/uvf/steer.h. */
#include "uvfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

#include "port.skel.h"
#include "steer.skel.h"
#include "tc.h"
#include "why.h"

struct steer {
	int ifindex;
	char name[IFNAMSIZ];
	struct steer_bpf *xdp; /* NULL: the uplink has no native XDP, or it is taken */
	struct xdp_program *program;
	struct port_bpf *tc; /* NULL until the first veth-backed function */
	struct tc_hook hook;
	uint32_t flooded; /* entries of the flood list */
};

/* What an earlier uvfd left when it was killed. Programs of others stay. */
static void remove_stale(int ifindex)
{
	struct xdp_multiprog *multi = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *program = NULL, *stale = NULL;
	enum xdp_attach_mode mode;
	char text[128];
	int err;

	if (libxdp_get_error(multi))
		return;
	mode = xdp_multiprog__attach_mode(multi);
	if (xdp_multiprog__is_legacy(multi))
		program = xdp_multiprog__main_prog(multi);
	else
		program = xdp_multiprog__next_prog(NULL, multi);
	for (; program; program = xdp_multiprog__is_legacy(multi) ?
					  NULL : xdp_multiprog__next_prog(program, multi))
		if (!strcmp(xdp_program__name(program), "uvf_steer"))
			stale = program;
	if (stale) {
		err = xdp_program__detach(stale, ifindex, mode, 0);
		libxdp_strerror(err, text, sizeof(text));
		if (err)
			say("can't remove the steering program that an earlier uvfd left: %s", text);
	}
	xdp_multiprog__close(multi);
}

static int attach_xdp(struct steer *steer)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts, .prog_name = "uvf_steer");
	int err;

	remove_stale(steer->ifindex);
	steer->xdp = steer_bpf__open();
	if (!steer->xdp)
		return -errno;
	opts.obj = steer->xdp->obj;
	steer->program = xdp_program__create(&opts);
	err = libxdp_get_error(steer->program);
	if (err) {
		steer->program = NULL;
		return err;
	}
	/*
	 * Native mode only: a frame that generic XDP redirects leaves by the transmit function
	 * of the port, and a function of uvf.ko would send it back to the wire.
	 */
	return xdp_program__attach(steer->program, steer->ifindex, XDP_MODE_NATIVE, 0);
}

static void drop_xdp(struct steer *steer)
{
	if (steer->program)
		xdp_program__close(steer->program);
	steer_bpf__destroy(steer->xdp);
	steer->program = NULL;
	steer->xdp = NULL;
}

struct steer *steer_open(int ifindex, const char *name)
{
	struct steer *steer = calloc(1, sizeof(*steer));
	char text[128];
	int err;

	if (!steer)
		return NULL;
	steer->ifindex = ifindex;
	strcpy(steer->name, name);
	err = attach_xdp(steer);
	if (!err) {
		say("%s: steering with XDP", name);
		return steer;
	}
	libxdp_strerror(err, text, sizeof(text));
	say("%s: no steering with XDP (%s): its functions receive by the slow path", name, text);
	drop_xdp(steer);
	return steer;
}

void steer_close(struct steer *steer)
{
	if (steer->tc) {
		tc_detach(&steer->hook);
		port_bpf__destroy(steer->tc);
	}
	if (steer->program)
		xdp_program__detach(steer->program, steer->ifindex, XDP_MODE_NATIVE, 0);
	drop_xdp(steer);
	say("%s: no longer steered", steer->name);
	free(steer);
}

bool steer_is_fast(const struct steer *steer)
{
	return steer->xdp;
}

static int attach_tc(struct steer *steer)
{
	int err;

	steer->tc = port_bpf__open();
	if (!steer->tc)
		return -errno;
	if (steer->xdp) {
		/* One set of stations and counters for both ways. */
		bpf_map__reuse_fd(steer->tc->maps.stations,
				  bpf_map__fd(steer->xdp->maps.stations));
		bpf_map__reuse_fd(steer->tc->maps.counts, bpf_map__fd(steer->xdp->maps.counts));
	}
	err = port_bpf__load(steer->tc);
	if (!err)
		err = tc_attach(&steer->hook, steer->ifindex,
				bpf_program__fd(steer->tc->progs.uvf_flood));
	if (err) {
		port_bpf__destroy(steer->tc);
		steer->tc = NULL;
	}
	return err;
}

static const struct bpf_map *stations_of(const struct steer *steer)
{
	if (steer->xdp)
		return steer->xdp->maps.stations;
	return steer->tc ? steer->tc->maps.stations : NULL;
}

static const struct bpf_map *counts_of(const struct steer *steer)
{
	if (steer->xdp)
		return steer->xdp->maps.counts;
	return steer->tc ? steer->tc->maps.counts : NULL;
}

static int put(const struct bpf_map *map, const void *key, size_t key_size, const void *value,
	       size_t size)
{
	return bpf_map__update_elem(map, key, key_size, value, size, BPF_ANY);
}

static int flood_add(struct steer *steer, const struct steer_entry *entry)
{
	struct uvf_flood to = {
		.ifindex = entry->port,
		.slot = entry->slot,
		.vlan = entry->vlan,
	};
	int err = put(steer->tc->maps.flood, &steer->flooded, sizeof(steer->flooded), &to,
		      sizeof(to));

	if (!err)
		steer->flooded++;
	return err;
}

/* The last entry moves into the gap: for a moment its function may get a frame twice. */
static void flood_remove(struct steer *steer, int port)
{
	struct uvf_flood to, last, none = { 0 };
	uint32_t end = steer->flooded - 1;
	struct bpf_map *map = steer->tc->maps.flood;

	for (uint32_t i = 0; i < steer->flooded; i++) {
		if (bpf_map__lookup_elem(map, &i, sizeof(i), &to, sizeof(to), 0) ||
		    to.ifindex != (uint32_t)port)
			continue;
		if (!bpf_map__lookup_elem(map, &end, sizeof(end), &last, sizeof(last), 0))
			put(map, &i, sizeof(i), &last, sizeof(last));
		put(map, &end, sizeof(end), &none, sizeof(none));
		steer->flooded = end;
		return;
	}
}

static int port_add(struct steer *steer, const struct steer_entry *entry)
{
	struct uvf_uplift up = {
		.ifindex = steer->ifindex,
		.slot = entry->slot,
		.vlan = entry->vlan,
	};
	uint32_t port = entry->port;
	struct tc_hook hook;
	int err = 0;

	if (!steer->tc)
		err = attach_tc(steer);
	if (!err)
		err = put(steer->tc->maps.uplifts, &port, sizeof(port), &up, sizeof(up));
	if (!err)
		err = put(steer->tc->maps.slots, &entry->slot, sizeof(entry->slot), &port,
			  sizeof(port));
	if (!err)
		err = tc_attach(&hook, entry->port, bpf_program__fd(steer->tc->progs.uvf_uplift));
	if (!err)
		err = flood_add(steer, entry);
	return err;
}

static void port_remove(struct steer *steer, const struct steer_entry *entry)
{
	uint32_t none = 0, port = entry->port;
	struct tc_hook hook = { .ifindex = entry->port, .made = true };

	if (!steer->tc)
		return;
	flood_remove(steer, entry->port);
	put(steer->tc->maps.slots, &entry->slot, sizeof(entry->slot), &none, sizeof(none));
	bpf_map__delete_elem(steer->tc->maps.uplifts, &port, sizeof(port), 0);
	tc_detach(&hook);
}

static struct uvf_station_key station_key(const struct steer_entry *entry)
{
	struct uvf_station_key key = { .vlan = entry->vlan };

	memcpy(key.mac, entry->mac, sizeof(key.mac));
	return key;
}

static int counts_clear(struct steer *steer, uint32_t slot)
{
	int cpus = libbpf_num_possible_cpus();
	struct uvf_counts *zero;
	int err;

	if (cpus < 0)
		return cpus;
	zero = calloc(cpus, sizeof(*zero));
	if (!zero)
		return -ENOMEM;
	err = put(counts_of(steer), &slot, sizeof(slot), zero, cpus * sizeof(*zero));
	free(zero);
	return err;
}

int steer_add(struct steer *steer, const struct steer_entry *entry)
{
	struct uvf_station_key key = station_key(entry);
	struct uvf_station station = {
		.slot = entry->slot,
		.flags = entry->is_port && entry->vlan != UVF_VLAN_ANY ? UVF_STATION_UNTAG : 0,
	};
	uint32_t port = entry->port;
	int err = 0;

	if (entry->is_port)
		err = port_add(steer, entry);
	if (!err && counts_of(steer))
		err = counts_clear(steer, entry->slot);
	if (!err && steer->xdp)
		err = put(steer->xdp->maps.ports, &entry->slot, sizeof(entry->slot), &port,
			  sizeof(port));
	if (!err && stations_of(steer))
		err = put(stations_of(steer), &key, sizeof(key), &station, sizeof(station));
	if (err)
		steer_remove(steer, entry);
	return err;
}

void steer_remove(struct steer *steer, const struct steer_entry *entry)
{
	struct uvf_station_key key = station_key(entry);
	const struct bpf_map *stations = stations_of(steer);

	if (stations)
		bpf_map__delete_elem(stations, &key, sizeof(key), 0);
	if (steer->xdp)
		bpf_map__delete_elem(steer->xdp->maps.ports, &entry->slot, sizeof(entry->slot), 0);
	if (entry->is_port)
		port_remove(steer, entry);
}

void steer_counts(const struct steer *steer, uint32_t slot, struct uvf_counts *sum)
{
	const struct bpf_map *map = counts_of(steer);
	int cpus = libbpf_num_possible_cpus();
	struct uvf_counts *each;

	memset(sum, 0, sizeof(*sum));
	if (!map || cpus < 0)
		return;
	each = calloc(cpus, sizeof(*each));
	if (!each)
		return;
	if (!bpf_map__lookup_elem(map, &slot, sizeof(slot), each, cpus * sizeof(*each), 0)) {
		for (int i = 0; i < cpus; i++) {
			sum->rx_frames += each[i].rx_frames;
			sum->rx_bytes += each[i].rx_bytes;
			sum->flood_frames += each[i].flood_frames;
			sum->flood_bytes += each[i].flood_bytes;
			sum->tx_frames += each[i].tx_frames;
			sum->tx_bytes += each[i].tx_bytes;
		}
	}
	free(each);
}
