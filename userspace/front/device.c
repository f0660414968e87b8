// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device behind the messages (vhost-user, "Front-end message types"). Whatever changes what a
 * ring runs on, stops it first and starts it again: on the packet path nothing changes.
 */
#include "front.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "why.h"

#define BIT(n) (1ULL << (n))

/* Bits that are vhost's own, among those of the device */
#define VHOST_F_LOG_ALL		       26
#define VHOST_USER_F_PROTOCOL_FEATURES 30

/* Virtio 1.2, 2.1: the device sets it, and nothing but a reset clears it. */
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET

#define MTU_LEAST 68 /* of IPv4 */

/* What would need a checksum or a segment made is not offered: nobody would make it. */
#define FEATURES                                                                                   \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_ANY_LAYOUT) |          \
	 BIT(VRING_F_INDIRECT_DESC) | BIT(VRING_F_EVENT_IDX) |                         \
	 BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_MTU) |             \
	 BIT(VIRTIO_NET_F_STATUS) | BIT(VHOST_F_LOG_ALL) | BIT(VHOST_USER_F_PROTOCOL_FEATURES))

#define PROTOCOL_FEATURES                                                                          \
	(BIT(VHOST_USER_PROTOCOL_F_MQ) | BIT(VHOST_USER_PROTOCOL_F_LOG_SHMFD) |                    \
	 BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK) | BIT(VHOST_USER_PROTOCOL_F_MTU) |                   \
	 BIT(VHOST_USER_PROTOCOL_F_BACKEND_REQ) | BIT(VHOST_USER_PROTOCOL_F_CONFIG) |              \
	 BIT(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD) | BIT(VHOST_USER_PROTOCOL_F_RESET_DEVICE) |     \
	 BIT(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS) | BIT(VHOST_USER_PROTOCOL_F_STATUS))

/* A handler says so when its answer is in the message. */
#define ANSWERED 1

static int answer(struct message *message, uint64_t value)
{
	message->u64 = value;
	message->head.size = sizeof(value);
	return ANSWERED;
}

/* --- features --------------------------------------------------------------------------------- */

static int on_get_features(struct front *front, struct message *message)
{
	return answer(message, front->offers);
}

/* Virtio 1.2, 5.1.6.1: without either, num_buffers is not there. */
static unsigned int header_size(uint64_t features)
{
	return features & (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_MRG_RXBUF)) ?
		       sizeof(struct virtio_net_hdr_mrg_rxbuf) : sizeof(struct virtio_net_hdr);
}

static void lane_open(struct lane *lane, bool open)
{
	vring_enable(&lane->ring, open);
	lane->opened |= open;
}

static int rings_set_features(struct front *front)
{
	int err = 0;

	for (unsigned int i = 0; i < front->lanes && !err; i++) {
		struct vring *ring = &front->lane[i].ring;

		/* vhost-user, "Ring states" */
		if (!(front->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES)))
			lane_open(&front->lane[i], true);
		err = vring_set_features(ring, front->features);
	}
	return err;
}

static int on_set_features(struct front *front, struct message *message)
{
	uint64_t wanted = message->u64;

	if (wanted & ~front->offers)
		return uvf_fail(EINVAL, "the front-end wants features 0x%llx, which were not "
					"offered", (unsigned long long)(wanted & ~front->offers));
	front->counters->features = wanted;
	/* During migration it is sent while rings run, to switch the log alone. */
	if (front->features && !((wanted ^ front->features) & ~BIT(VHOST_F_LOG_ALL))) {
		front->features = wanted;
		guest_log_all(&front->guest, front_has(front, VHOST_F_LOG_ALL));
		return 0;
	}
	lanes_stop(front);
	front->features = wanted;
	front->header = header_size(wanted);
	guest_log_all(&front->guest, front_has(front, VHOST_F_LOG_ALL));
	return rings_set_features(front) ?: lanes_start(front);
}

static int on_get_protocol_features(struct front *front, struct message *message)
{
	return answer(message, PROTOCOL_FEATURES);
}

static int on_set_protocol_features(struct front *front, struct message *message)
{
	if (message->u64 & ~PROTOCOL_FEATURES)
		return uvf_fail(EINVAL, "the front-end wants protocol features 0x%llx, which were "
					"not offered",
				(unsigned long long)(message->u64 & ~PROTOCOL_FEATURES));
	front->protocol = front->counters->protocol_features = message->u64;
	return 0;
}

static int on_set_owner(struct front *front, struct message *message)
{
	return 0;
}

/* "It is recommended that back-ends either ignore this message, or …" */
static int on_reset_owner(struct front *front, struct message *message)
{
	return 0;
}

static int on_get_queue_num(struct front *front, struct message *message)
{
	return answer(message, front->lanes / 2);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* After the table has changed; the lanes are stopped. */
static int memory_changed(struct front *front, int err)
{
	int started = lanes_start(front);

	return err ?: started;
}

static struct guest_given given(const struct message_region *region)
{
	return (struct guest_given){
		.gpa = region->guest,
		.size = region->size,
		.uva = region->user,
		.offset = region->offset,
	};
}

static int on_set_mem_table(struct front *front, struct message *message)
{
	struct guest_given table[MESSAGE_REGIONS];
	int fds[MESSAGE_REGIONS];

	lanes_stop(front);
	for (unsigned int i = 0; i < message->memory.count; i++) {
		table[i] = given(&message->memory.region[i]);
		fds[i] = message->fd[i];
		message->fd[i] = -1;
	}
	return memory_changed(front, guest_set(&front->guest, table, fds, message->memory.count));
}

static int on_add_mem_reg(struct front *front, struct message *message)
{
	const struct guest_given region = given(&message->slot.region);

	lanes_stop(front);
	return memory_changed(front, guest_add(&front->guest, &region, message_take_fd(message)));
}

static int on_rem_mem_reg(struct front *front, struct message *message)
{
	const struct guest_given region = given(&message->slot.region);

	lanes_stop(front);
	return memory_changed(front, guest_remove(&front->guest, &region));
}

static int on_get_max_mem_slots(struct front *front, struct message *message)
{
	return answer(message, GUEST_REGIONS);
}

/* vhost-user, "Migration". Who answers, answers with nothing. */
static int on_set_log_base(struct front *front, struct message *message)
{
	int err = guest_set_log(&front->guest, message_take_fd(message), message->log.size,
				message->log.offset);

	if (err)
		return err;
	message->head.size = 0;
	return front_speaks(front, VHOST_USER_PROTOCOL_F_LOG_SHMFD) ? ANSWERED : 0;
}

/* It "may be used to inform the front-end": the log can be looked at as well. */
static int on_set_log_fd(struct front *front, struct message *message)
{
	return 0;
}

/* --- rings ------------------------------------------------------------------------------------ */

static struct lane *lane_of(struct front *front, uint32_t index)
{
	if (index < front->lanes)
		return &front->lane[index];
	uvf_fail(EINVAL, "the front-end speaks of virtqueue %u, and there are %u", index,
		 front->lanes);
	return NULL;
}

static int on_set_vring_num(struct front *front, struct message *message)
{
	struct lane *lane = lane_of(front, message->state.index);

	if (!lane)
		return -EINVAL;
	lane_stop(lane);
	return vring_set_num(&lane->ring, message->state.num) ?: lane_start(lane);
}

static int on_set_vring_base(struct front *front, struct message *message)
{
	struct lane *lane = lane_of(front, message->state.index);

	if (!lane)
		return -EINVAL;
	lane_stop(lane);
	return vring_set_base(&lane->ring, message->state.num) ?: lane_start(lane);
}

/* Of a ring that runs too, whose log is switched. */
static int on_set_vring_addr(struct front *front, struct message *message)
{
	const struct message_addr *given = &message->addr;
	const struct vring_addr addr = {
		.desc = given->desc,
		.used = given->used,
		.avail = given->avail,
		.log = given->log,
		.logs = given->flags & MESSAGE_ADDR_LOG,
	};
	struct lane *lane = lane_of(front, given->index);

	if (!lane)
		return -EINVAL;
	lane_stop(lane);
	return vring_set_addr(&lane->ring, &addr) ?: lane_start(lane);
}

static void mend_if_stopped(struct front *front)
{
	for (unsigned int i = 0; i < front->lanes; i++)
		if (front->lane[i].kicked)
			return;
	front->broken = false;
	front->status &= ~NEEDS_RESET;
	front->counters->status = front->status;
}

/*
 * "Stop ring upon receiving VHOST_USER_GET_VRING_BASE." A guest that has stopped all of them, as
 * one that boots again has, has reset the device.
 */
static int on_get_vring_base(struct front *front, struct message *message)
{
	struct lane *lane = lane_of(front, message->state.index);

	if (!lane)
		return -EINVAL;
	lane_stop(lane);
	vring_set_kick(&lane->ring, -1);
	lane->kicked = false;
	message->state.num = lane->ring.base;
	message->head.size = sizeof(message->state);
	mend_if_stopped(front);
	return ANSWERED;
}

static int on_set_vring_kick(struct front *front, struct message *message)
{
	struct lane *lane = lane_of(front, message->u64 & MESSAGE_VRING_INDEX);

	if (!lane)
		return -EINVAL;
	lane_stop(lane);
	vring_set_kick(&lane->ring, message_take_fd(message));
	lane->kicked = true;
	return lane_start(lane);
}

static int on_set_vring_call(struct front *front, struct message *message)
{
	struct lane *lane = lane_of(front, message->u64 & MESSAGE_VRING_INDEX);

	if (!lane)
		return -EINVAL;
	vring_set_call(&lane->ring, message_take_fd(message));
	return 0;
}

static int on_set_vring_err(struct front *front, struct message *message)
{
	struct lane *lane = lane_of(front, message->u64 & MESSAGE_VRING_INDEX);

	if (!lane)
		return -EINVAL;
	vring_set_err(&lane->ring, message_take_fd(message));
	return 0;
}

static int on_set_vring_enable(struct front *front, struct message *message)
{
	struct lane *lane = lane_of(front, message->state.index);

	if (!lane)
		return -EINVAL;
	lane_open(lane, message->state.num);
	return lane_start(lane);
}

/* --- in-flight tracking ----------------------------------------------------------------------- */

static int inflight_check(const struct front *front, const struct message_inflight *asked)
{
	if (asked->queues <= front->lanes)
		return 0;
	return uvf_fail(EINVAL, "the front-end would track %u virtqueues, and there are %u",
			asked->queues, front->lanes);
}

/* The region is the front-end's to keep: it gives it back, with SET_INFLIGHT_FD. */
static int on_get_inflight_fd(struct front *front, struct message *message)
{
	struct message_inflight *inflight = &message->inflight;
	struct inflight made = { 0 };
	int err = inflight_check(front, inflight);

	if (!err)
		err = inflight_make(&made, front_has(front, VIRTIO_F_RING_PACKED),
				    inflight->queues, inflight->queue_size);
	if (err)
		return err;
	inflight->size = made.size;
	inflight->offset = made.offset;
	message->fd[0] = dup(made.fd);
	message->fds = 1;
	inflight_close(&made);
	return ANSWERED;
}

static int on_set_inflight_fd(struct front *front, struct message *message)
{
	const struct message_inflight *given = &message->inflight;
	int err = inflight_check(front, given);

	if (err)
		return err;
	lanes_stop(front);
	for (unsigned int i = 0; i < front->lanes; i++)
		vring_set_inflight(&front->lane[i].ring, NULL, 0);
	err = inflight_take(&front->inflight, front_has(front, VIRTIO_F_RING_PACKED),
			    message_take_fd(message), given->size, given->offset, given->queues,
			    given->queue_size);
	for (unsigned int i = 0; i < front->lanes && !err; i++) {
		size_t size;
		void *part = inflight_part(&front->inflight, i, &size);

		err = vring_set_inflight(&front->lane[i].ring, part, size);
	}
	return err ?: lanes_start(front);
}

/* --- configuration and status ----------------------------------------------------------------- */

static int on_get_config(struct front *front, struct message *message)
{
	struct message_config *config = &message->config;

	if (config->offset > sizeof(front->config) ||
	    config->size > sizeof(front->config) - config->offset) {
		/* "uses zero length of payload to indicate an error" */
		message->head.size = 0;
		return ANSWERED;
	}
	memcpy(config->data, (const char *)&front->config + config->offset, config->size);
	message->head.size = offsetof(struct message_config, data) + config->size;
	return ANSWERED;
}

/* Virtio 1.2, 5.1.4: all fields are read-only for the driver. On migration, it is what it was. */
static int on_set_config(struct front *front, struct message *message)
{
	if (message->config.flags == 1)
		return 0;
	return uvf_fail(EPERM, "the guest writes to its device's configuration, which is "
			       "read-only");
}

/* vhost-user, "Backend-initiated requests": nobody waits for the front-end. */
static void config_changed(const struct front *front)
{
	if (front->backend_sock >= 0 && front_speaks(front, VHOST_USER_PROTOCOL_F_CONFIG))
		message_notify(front->backend_sock, VHOST_USER_BACKEND_CONFIG_CHANGE_MSG);
}

void device_link(struct front *front, bool up)
{
	uint16_t status = htole16(up ? VIRTIO_NET_S_LINK_UP : 0);

	front->counters->link = up;
	if (front->config.status == status)
		return;
	front->config.status = status;
	config_changed(front);
}

static int on_net_set_mtu(struct front *front, struct message *message)
{
	uint16_t most = front->info.mtu;

	if (message->u64 < MTU_LEAST || message->u64 > most)
		return uvf_fail(EINVAL, "the front-end sets an MTU of %llu, and %s takes %u to %u",
				(unsigned long long)message->u64, front->counters->function,
				MTU_LEAST, most);
	front->config.mtu = htole16(message->u64);
	return 0;
}

static int on_set_backend_req_fd(struct front *front, struct message *message)
{
	if (front->backend_sock >= 0)
		close(front->backend_sock);
	front->backend_sock = message_take_fd(message);
	return 0;
}

static int on_get_status(struct front *front, struct message *message)
{
	return answer(message, front->status);
}

static void rings_reset(struct front *front)
{
	lanes_stop(front);
	for (unsigned int i = 0; i < front->lanes; i++) {
		struct lane *lane = &front->lane[i];

		vring_set_kick(&lane->ring, -1);
		vring_enable(&lane->ring, false);
		lane->kicked = lane->opened = false;
	}
	front->broken = false;
}

/* The guest forgets what it had given: so does the device, and a successor. */
static void rings_forget(struct front *front)
{
	rings_reset(front);
	for (unsigned int i = 0; i < front->lanes; i++)
		vring_reset(&front->lane[i].ring);
}

/* Virtio 1.2, 2.1: writing 0 resets the device. */
static int on_set_status(struct front *front, struct message *message)
{
	front->status = message->u64 & ~NEEDS_RESET;
	if (!front->status)
		rings_forget(front);
	else if (front->broken)
		front->status |= NEEDS_RESET;
	front->counters->status = front->status;
	return 0;
}

static int on_reset_device(struct front *front, struct message *message)
{
	rings_forget(front);
	front->status = front->counters->status = 0;
	return 0;
}

void device_break(struct front *front, const char *why)
{
	if (front->broken)
		return;
	front->broken = true;
	front->status |= NEEDS_RESET;
	front->counters->status = front->status;
	front->counters->broken++;
	snprintf(front->counters->why, sizeof(front->counters->why), "%s", why);
	lanes_stop(front);
	/* Virtio 1.2, 2.1.2: the driver is told. */
	config_changed(front);
	front_say(front, "the device needs a reset, and its rings are stopped: %s",
		  front->counters->why);
}

/* --- all -------------------------------------------------------------------------------------- */

typedef int handler(struct front *front, struct message *message);

static handler *const handlers[VHOST_USER_REQUESTS] = {
	[VHOST_USER_GET_FEATURES] = on_get_features,
	[VHOST_USER_SET_FEATURES] = on_set_features,
	[VHOST_USER_SET_OWNER] = on_set_owner,
	[VHOST_USER_RESET_OWNER] = on_reset_owner,
	[VHOST_USER_SET_MEM_TABLE] = on_set_mem_table,
	[VHOST_USER_SET_LOG_BASE] = on_set_log_base,
	[VHOST_USER_SET_LOG_FD] = on_set_log_fd,
	[VHOST_USER_SET_VRING_NUM] = on_set_vring_num,
	[VHOST_USER_SET_VRING_ADDR] = on_set_vring_addr,
	[VHOST_USER_SET_VRING_BASE] = on_set_vring_base,
	[VHOST_USER_GET_VRING_BASE] = on_get_vring_base,
	[VHOST_USER_SET_VRING_KICK] = on_set_vring_kick,
	[VHOST_USER_SET_VRING_CALL] = on_set_vring_call,
	[VHOST_USER_SET_VRING_ERR] = on_set_vring_err,
	[VHOST_USER_GET_PROTOCOL_FEATURES] = on_get_protocol_features,
	[VHOST_USER_SET_PROTOCOL_FEATURES] = on_set_protocol_features,
	[VHOST_USER_GET_QUEUE_NUM] = on_get_queue_num,
	[VHOST_USER_SET_VRING_ENABLE] = on_set_vring_enable,
	[VHOST_USER_NET_SET_MTU] = on_net_set_mtu,
	[VHOST_USER_SET_BACKEND_REQ_FD] = on_set_backend_req_fd,
	[VHOST_USER_GET_CONFIG] = on_get_config,
	[VHOST_USER_SET_CONFIG] = on_set_config,
	[VHOST_USER_GET_INFLIGHT_FD] = on_get_inflight_fd,
	[VHOST_USER_SET_INFLIGHT_FD] = on_set_inflight_fd,
	[VHOST_USER_RESET_DEVICE] = on_reset_device,
	[VHOST_USER_GET_MAX_MEM_SLOTS] = on_get_max_mem_slots,
	[VHOST_USER_ADD_MEM_REG] = on_add_mem_reg,
	[VHOST_USER_REM_MEM_REG] = on_rem_mem_reg,
	[VHOST_USER_SET_STATUS] = on_set_status,
	[VHOST_USER_GET_STATUS] = on_get_status,
};

static int handle(struct front *front, struct message *message)
{
	uint32_t request = message->head.request;

	if (request < VHOST_USER_REQUESTS && handlers[request])
		return handlers[request](front, message);
	return uvf_fail(ENOSYS, "the front-end's %s is not known here", message_name(request));
}

/* vhost-user, "REPLY_ACK": zero for success. A reply of the request's own comes in its place. */
int device_message(struct front *front, struct message *message)
{
	bool wants = message->head.flags & MESSAGE_NEED_REPLY &&
		     front_speaks(front, VHOST_USER_PROTOCOL_F_REPLY_ACK);
	int got = handle(front, message);

	if (got < 0)
		front_say(front, "%s was refused: %s", message_name(message->head.request),
			  uvf_why());
	if (got == ANSWERED)
		return message_reply(front->sock, message, message->fds ? message->fd[0] : -1);
	if (wants) {
		answer(message, got < 0);
		return message_reply(front->sock, message, -1);
	}
	/* Nobody would ever hear of it: better no device than another one than it believes. */
	return got < 0 && got != -ENOSYS ? -EPROTO : 0;
}

void device_init(struct front *front)
{
	const struct uvf_dev_info *info = &front->info;

	front->backend_sock = -1;
	front->offers = FEATURES;
	if (front->lanes > 2)
		front->offers |= BIT(VIRTIO_NET_F_MQ);
	memcpy(front->config.mac, front->has_mac ? front->mac : info->mac,
	       sizeof(front->config.mac));
	front->config.status = htole16(VIRTIO_NET_S_LINK_UP);
	front->config.max_virtqueue_pairs = htole16(front->lanes / 2);
	front->config.mtu = htole16(info->mtu);
	guest_init(&front->guest);
	device_reset(front);
}

void device_reset(struct front *front)
{
	rings_reset(front);
	for (unsigned int i = 0; i < front->lanes; i++) {
		vring_destroy(&front->lane[i].ring);
		vring_init(&front->lane[i].ring, &front->guest, i);
	}
	inflight_close(&front->inflight);
	guest_clear(&front->guest);
	if (front->backend_sock >= 0)
		close(front->backend_sock);
	front->backend_sock = -1;
	front->protocol = front->counters->protocol_features = 0;
	front->features = front->counters->features = 0;
	front->header = header_size(0);
	front->status = front->counters->status = 0;
}
