<?php

// Debian's Laravel has no composer, whose autoloader finds the classes of other apps.

require_once '/usr/share/php/Illuminate/autoload.php';
require_once __DIR__ . '/../sse.php';

spl_autoload_register(function (string $class): void {
    $path = __DIR__ . '/../app/' . str_replace('\\', '/', substr($class, strlen('App\\'))) . '.php';
    if (str_starts_with($class, 'App\\') && is_file($path)) {
        require $path;
    }
});

// Laravel 8 is older than PHP 8.2.
error_reporting(E_ALL & ~E_DEPRECATED);

$app = new Illuminate\Foundation\Application(dirname(__DIR__));
$app->singleton(Illuminate\Contracts\Http\Kernel::class, App\Http\Kernel::class);
$app->singleton(Illuminate\Contracts\Console\Kernel::class, Illuminate\Foundation\Console\Kernel::class);
$app->singleton(Illuminate\Contracts\Debug\ExceptionHandler::class, Illuminate\Foundation\Exceptions\Handler::class);

return $app;
