<?php

// A file cache that takes CodeIgniter's steps, but none of its code.

require __DIR__ . '/settings.php';

const CACHE_FOLDER = __DIR__ . '/writable/cache/';

function cache_path(string $key): string
{
    return CACHE_FOLDER . CACHE_PREFIX . $key;
}

// Opens and truncates the file, locks, writes and closes it, then sets the permissions.
function cache_save(string $key, mixed $value, int $ttl = 60): bool
{
    $file = fopen(cache_path($key), 'wb');
    if ($file === false) {
        return false;
    }
    flock($file, LOCK_EX);
    $written = fwrite($file, serialize(['time' => time(), 'ttl' => $ttl, 'data' => $value]));
    flock($file, LOCK_UN);
    fclose($file);
    @chmod(cache_path($key), 0640);
    return $written !== false;
}

// Deletes each file whose name has no leading dot, also in folders whose names have one, until one cannot be deleted.
function cache_clear(): bool
{
    $items = new RecursiveIteratorIterator(
        new RecursiveDirectoryIterator(CACHE_FOLDER, RecursiveDirectoryIterator::SKIP_DOTS),
        RecursiveIteratorIterator::CHILD_FIRST
    );
    foreach ($items as $item) {
        if ($item->getFilename()[0] !== '.' && ! $item->isDir() && ! @unlink($item->getPathname())) {
            return false;
        }
    }
    return true;
}
