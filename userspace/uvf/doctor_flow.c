// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happened between two samples: counters that should not grow, and frames for a function's
 * address that have another VLAN. XDP steers past a packet socket, so that one on the uplink hears
 * just those frames that missed.
 */
#include "doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <uvf/steer.h>

#include "why.h"

#define UPLINKS_MAX 64
/* Enough to see what is wrong; a busy uplink is not to keep us. */
#define FRAMES_MAX 20000

static void take_sample(const struct fact *fact, void *arg)
{
	const struct uvf_function *function = &fact->function;
	struct doctor *doctor = arg;
	struct sample *samples, *sample;

	samples = realloc(doctor->samples, (doctor->count + 1) * sizeof(*samples));
	if (!samples)
		return;
	doctor->samples = samples;
	sample = &samples[doctor->count++];
	*sample = (struct sample){
		.ifindex = function->netdev->ifindex,
		.uplink = function->uplink ? function->uplink->ifindex : 0,
		.vlan = function->port->vlan,
	};
	memcpy(sample->mac, function->netdev->mac, sizeof(sample->mac));
	if (fact->uvfd)
		sample->lease = fact->lease;
}

const struct sample *sample_of(const struct doctor *doctor, const struct fact *fact)
{
	for (unsigned int i = 0; i < doctor->count; i++)
		if (doctor->samples[i].ifindex == fact->function.netdev->ifindex)
			return &doctor->samples[i];
	return NULL;
}

static void count_stray(struct doctor *doctor, int uplink, const uint8_t *mac, uint16_t vlan)
{
	struct sample *stray = NULL;

	for (unsigned int i = 0; i < doctor->count; i++) {
		struct sample *sample = &doctor->samples[i];

		if (sample->uplink != uplink || memcmp(sample->mac, mac, ETH_ALEN))
			continue;
		if (sample->vlan == UVF_VLAN_ANY || sample->vlan == vlan)
			return; /* somebody's after all */
		stray = sample;
	}
	if (!stray)
		return;
	stray->strays++;
	stray->stray_vlan = vlan;
}

/* The kernel takes the tag out of the frame and tells it aside (packet(7), PACKET_AUXDATA). */
static uint16_t vlan_of(struct msghdr *msg)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_PACKET || cmsg->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return aux.tp_vlan_tci & 0x0fff;
	}
	return UVF_VLAN_NONE;
}

static bool hear_frame(struct doctor *doctor, int sock)
{
	struct { uint8_t to[ETH_ALEN], from[ETH_ALEN]; uint16_t proto, tci; } frame = { 0 };
	union { char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))]; struct cmsghdr align; } aux;
	struct iovec iov = { .iov_base = &frame, .iov_len = sizeof(frame) };
	struct sockaddr_ll from;
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = aux.bytes, .msg_controllen = sizeof(aux.bytes),
	};
	uint16_t vlan;

	if (recvmsg(sock, &msg, MSG_DONTWAIT) < ETH_HLEN)
		return false;
	vlan = vlan_of(&msg);
	if (frame.proto == htons(ETH_P_8021Q))
		vlan = ntohs(frame.tci) & 0x0fff;
	if (from.sll_pkttype != PACKET_OUTGOING && !(frame.to[0] & 1))
		count_stray(doctor, from.sll_ifindex, frame.to, vlan);
	return true;
}

static int listen_on(int uplink)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = uplink,
	};
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	if (sock < 0)
		return -1;
	if (!setsockopt(sock, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) &&
	    !bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return sock;
	close(sock);
	return -1;
}

static unsigned int listen_all(const struct doctor *doctor, struct pollfd *ears)
{
	int heard[UPLINKS_MAX];
	unsigned int count = 0;

	for (unsigned int i = 0, j; i < doctor->count && count < UPLINKS_MAX; i++) {
		for (j = 0; j < count && heard[j] != doctor->samples[i].uplink; j++)
			;
		if (j < count || !doctor->samples[i].uplink)
			continue;
		ears[count].fd = listen_on(doctor->samples[i].uplink);
		ears[count].events = POLLIN;
		heard[count++] = doctor->samples[i].uplink;
	}
	return count;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void listen_for(struct doctor *doctor, struct pollfd *ears, unsigned int count)
{
	int64_t end = now_ms() + doctor->milliseconds, left;
	unsigned int frames = 0;

	while ((left = end - now_ms()) > 0) {
		if (poll(ears, frames < FRAMES_MAX ? count : 0, left) <= 0)
			continue;
		for (unsigned int i = 0; i < count; i++)
			while (frames < FRAMES_MAX && ears[i].revents & POLLIN &&
			       hear_frame(doctor, ears[i].fd))
				frames++;
	}
}

int doctor_sample(struct doctor *doctor)
{
	struct pollfd ears[UPLINKS_MAX];
	unsigned int count;

	facts_walk(&doctor->facts, take_sample, doctor);
	count = listen_all(doctor, ears);
	listen_for(doctor, ears, count);
	for (unsigned int i = 0; i < count; i++)
		if (ears[i].fd >= 0)
			close(ears[i].fd);
	return uvf_links_dump(&doctor->facts.links, doctor->facts.rtnl);
}

static void examine_consumer(struct doctor *doctor, const struct fact *fact,
			     const struct uvf_reply *before)
{
	const struct uvf_reply *now = &fact->lease;
	const char *name = fact->function.netdev->name;
	uint64_t full = now->xsk_rx_ring_full - before->xsk_rx_ring_full;
	uint64_t empty = now->xsk_rx_no_frame - before->xsk_rx_no_frame;
	uint64_t dropped = now->xsk_rx_dropped - before->xsk_rx_dropped;

	if (now->holder_pid != before->holder_pid)
		return; /* another socket */
	if (full) {
		found(doctor, SEVERITY_ERROR, "rx-ring-full", name,
		      "%s (pid %u) does not read: its receive ring was full %llu times just now",
		      now->holder, now->holder_pid, (unsigned long long)full);
		advise(doctor, "see what it waits for (`strace -p %u`); or give it a larger ring",
		       now->holder_pid);
	}
	if (empty) {
		found(doctor, SEVERITY_ERROR, "fill-ring-empty", name,
		      "%s (pid %u) gives no frames back: there was none left to receive into, %llu "
		      "times just now", now->holder, now->holder_pid, (unsigned long long)empty);
		advise(doctor, "it holds its frames (`strace -p %u`), or needs more of them",
		       now->holder_pid);
	}
	if (dropped && !full && !empty) {
		found(doctor, SEVERITY_WARNING, "socket-drops", name,
		      "the socket of %s (pid %u) dropped %llu frames just now: too long for its "
		      "frames of %u bytes, most likely", now->holder, now->holder_pid,
		      (unsigned long long)dropped, now->frame_size);
		advise(doctor, "compare the MTUs of %s and of those who send to it", name);
	}
}

static void examine_vlan(struct doctor *doctor, const struct fact *fact,
			 const struct sample *sample)
{
	const char *name = fact->function.netdev->name;
	char came[32] = "without a tag";

	if (!sample->strays)
		return;
	if (sample->stray_vlan)
		snprintf(came, sizeof(came), "with VLAN %u", sample->stray_vlan);
	found(doctor, SEVERITY_ERROR, "vlan", name,
	      "it has VLAN %u, and %u frames for its address came %s just now", sample->vlan,
	      sample->strays, came);
	advise(doctor, "set the switch port to tag VLAN %u, or make %s anew with the other VLAN",
	       sample->vlan, name);
}

void examine_flow(struct doctor *doctor, const struct fact *fact)
{
	const struct sample *sample = sample_of(doctor, fact);

	if (!sample)
		return;
	examine_vlan(doctor, fact, sample);
	if (fact->uvfd && *fact->lease.holder)
		examine_consumer(doctor, fact, &sample->lease);
}
