//! The table of C functions through which SQLite uses a simulated disk.

#![allow(unsafe_code, reason = "an SQLite VFS is a table of C functions over raw pointers")]
#![allow(clippy::cast_possible_wrap, reason = "SQLite's interface counts in signed integers")]

use rusqlite::ffi;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Arc, Weak};

use crate::disk::{Platter, Trouble};
use crate::file::Handle;

/// Makes the disk known to SQLite under the name. What is registered stays so for the life of
/// the process, but it keeps only a weak hold of the disk.
pub(crate) fn register(name: &str, platter: &Arc<Platter>) {
    let name = CString::new(name).expect("the name has no zero byte");
    // SAFETY: sqlite3_vfs_find initialises SQLite and returns the default VFS, which lives as
    // long as the process. What the new table points to is leaked, so it lives as long.
    unsafe {
        let real = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!real.is_null(), "SQLite has no default VFS");
        let data = Box::new(Registered { platter: Arc::downgrade(platter), real });
        let vfs = ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: size_of::<SimFile>() as c_int + (*real).szOsFile,
            mxPathname: (*real).mxPathname,
            pNext: std::ptr::null_mut(),
            zName: name.into_raw(),
            pAppData: Box::into_raw(data).cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: None,
            xCurrentTimeInt64: None,
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        };
        let code = ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0);
        assert_eq!(code, ffi::SQLITE_OK, "SQLite refuses the VFS");
    }
}

struct Registered {
    platter: Weak<Platter>,
    real: *mut ffi::sqlite3_vfs,
}

/// An open file. SQLite allocates it with the real file behind it.
#[repr(C, align(16))]
struct SimFile {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

/// # Safety
/// `vfs` is a table that `register` made.
unsafe fn registered<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Registered {
    unsafe { &*(*vfs).pAppData.cast::<Registered>() }
}

/// # Safety
/// `file` was opened by `open` and is not closed.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a Handle {
    unsafe { &*(*file.cast::<SimFile>()).handle }
}

/// The real file that has the locks.
///
/// # Safety
/// `file` was allocated with the size that `register` announced.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    unsafe { file.cast::<SimFile>().add(1).cast() }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes the registered table, a buffer of the announced size, and a name that
    // stays valid while the file is open. Without methods in it, SQLite does not close the file.
    unsafe {
        (*file).pMethods = std::ptr::null();
        let registered = registered(vfs);
        let (Some(platter), false) = (registered.platter.upgrade(), name.is_null()) else {
            return ffi::SQLITE_CANTOPEN;
        };
        let key = CStr::from_ptr(name).to_bytes().to_vec();
        let Ok(handle) = Handle::open(&platter, key) else { return ffi::SQLITE_CANTOPEN };
        let Some(real_open) = (*registered.real).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = real_open(registered.real, name, real(file), flags, out_flags);
        if code != ffi::SQLITE_OK {
            return code;
        }
        let file = file.cast::<SimFile>();
        (*file).handle = Box::into_raw(Box::new(handle));
        (*file).base.pMethods = &raw const METHODS;
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` filled the file and SQLite closes it once.
    unsafe {
        drop(Box::from_raw((*file.cast::<SimFile>()).handle));
        let real = real(file);
        (*real).pMethods.as_ref().and_then(|m| m.xClose).map_or(ffi::SQLITE_OK, |f| f(real))
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    out: *mut c_void,
    bytes: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open and `out` has room for `bytes`.
    let (handle, out) = unsafe {
        out.write_bytes(0, bytes as usize);
        (handle(file), std::slice::from_raw_parts_mut(out.cast::<u8>(), bytes as usize))
    };
    match handle.read(offset as usize, out) {
        Ok(found) if found == out.len() => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(_) => ffi::SQLITE_IOERR_READ,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open and `from` has `bytes` bytes.
    let (handle, from) =
        unsafe { (handle(file), std::slice::from_raw_parts(from.cast::<u8>(), bytes as usize)) };
    let outcome = handle.write(offset as usize, from);
    code(outcome, ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, bytes: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let outcome = handle.truncate(bytes as usize);
    code(outcome, ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    code(handle.sync(), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open and `out` can be written.
    unsafe {
        let handle = handle(file);
        match handle.size() {
            Ok(bytes) => {
                *out = bytes as ffi::sqlite3_int64;
                ffi::SQLITE_OK
            }
            Err(_) => ffi::SQLITE_IOERR_FSTAT,
        }
    }
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

fn code(outcome: Result<(), Trouble>, without_power: c_int) -> c_int {
    match outcome {
        Ok(()) => ffi::SQLITE_OK,
        Err(Trouble::Full) => ffi::SQLITE_FULL,
        Err(Trouble::SyncFailed) => ffi::SQLITE_IOERR_FSYNC,
        Err(Trouble::NoPower) => without_power,
    }
}

/// A method that the real file answers.
macro_rules! passed_on {
    ($name:ident, $method:ident($($argument:ident: $kind:ty),*)) => {
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: the real file was opened with ours, and gets SQLite's arguments unchanged.
            unsafe {
                let real = real(file);
                match (*real).pMethods.as_ref().and_then(|methods| methods.$method) {
                    Some(method) => method(real $(, $argument)*),
                    None => ffi::SQLITE_ERROR,
                }
            }
        }
    };
}

passed_on!(lock, xLock(level: c_int));
passed_on!(unlock, xUnlock(level: c_int));
passed_on!(check_reserved_lock, xCheckReservedLock(out: *mut c_int));
passed_on!(sector_size, xSectorSize());
passed_on!(device_characteristics, xDeviceCharacteristics());
passed_on!(
    shm_map,
    xShmMap(page: c_int, bytes: c_int, extend: c_int, out: *mut *mut c_void)
);
passed_on!(shm_lock, xShmLock(offset: c_int, n: c_int, flags: c_int));
passed_on!(shm_unmap, xShmUnmap(delete: c_int));

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: the real file was opened with ours.
    unsafe {
        let real = real(file);
        if let Some(barrier) = (*real).pMethods.as_ref().and_then(|m| m.xShmBarrier) {
            barrier(real);
        }
    }
}

unsafe extern "C" fn delete(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    sync_dir: c_int,
) -> c_int {
    // SAFETY: SQLite passes the registered table and a name.
    unsafe {
        let registered = registered(vfs);
        let Some(platter) = registered.platter.upgrade() else { return ffi::SQLITE_IOERR_DELETE };
        if platter.delete(CStr::from_ptr(name).to_bytes()).is_err() {
            return ffi::SQLITE_IOERR_DELETE;
        }
        match (*registered.real).xDelete {
            Some(delete) => delete(registered.real, name, sync_dir),
            None => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes the registered table, a name and a place for the answer.
    unsafe {
        let Some(platter) = registered(vfs).platter.upgrade() else {
            return ffi::SQLITE_IOERR_ACCESS;
        };
        *out = c_int::from(platter.exists(CStr::from_ptr(name).to_bytes()));
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn full_pathname(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    bytes: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: the real VFS gets SQLite's arguments unchanged.
    unsafe {
        let real = registered(vfs).real;
        (*real).xFullPathname.map_or(ffi::SQLITE_CANTOPEN, |f| f(real, name, bytes, out))
    }
}

unsafe extern "C" fn randomness(
    vfs: *mut ffi::sqlite3_vfs,
    bytes: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: the real VFS gets SQLite's arguments unchanged.
    unsafe {
        let real = registered(vfs).real;
        (*real).xRandomness.map_or(0, |f| f(real, bytes, out))
    }
}

unsafe extern "C" fn sleep(vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    // SAFETY: the real VFS gets SQLite's arguments unchanged.
    unsafe {
        let real = registered(vfs).real;
        (*real).xSleep.map_or(0, |f| f(real, microseconds))
    }
}

unsafe extern "C" fn current_time(vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: the real VFS gets SQLite's arguments unchanged.
    unsafe {
        let real = registered(vfs).real;
        (*real).xCurrentTime.map_or(ffi::SQLITE_ERROR, |f| f(real, out))
    }
}

/// Version 2: without memory mapping, which would read around the simulation.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
