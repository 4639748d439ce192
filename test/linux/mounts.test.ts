import { expect, test } from 'vitest'
import { mountOf } from '../../src/linux/mounts.ts'

const mountinfo = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:42 / /srv rw - btrfs /dev/sdb rw,space_cache
31 22 8:33 / /srv/omada rw - vfat /dev/sdc1 rw,uid=0
32 22 8:49 / /srv/omada ro,nosuid shared:7 - xfs /dev/sdd1 rw,attr2
33 22 0:50 / /mnt/usb\\040disk rw - cifs //nas/share\\040one ro,vers=3.0
`

test('the mount of a path is the nearest above it, and of two on one point the later one', () => {
  expect(mountOf(mountinfo, '/srv/omada/db/mongod.lock')).toEqual({
    point: '/srv/omada',
    device: '8:49',
    type: 'xfs',
    source: '/dev/sdd1',
    // Only for this process, as systemd's ProtectSystem=strict makes everything.
    readOnly: false,
  })
  expect(mountOf(mountinfo, '/srv/omada-other/db')).toMatchObject({ point: '/srv', device: '0:42', readOnly: false })
  expect(mountOf(mountinfo, '/var/lib')).toMatchObject({ point: '/', type: 'ext4' })
  expect(mountOf(mountinfo, '/mnt/usb disk/data')).toMatchObject({
    type: 'cifs',
    source: '//nas/share one',
    readOnly: true,
  })
  expect(mountOf('', '/var')).toBeUndefined()
})
