<?php

// A shop with a login.

require __DIR__ . '/../cache.php';
require __DIR__ . '/../bursts.php';
require __DIR__ . '/../sse.php';

const USERS = ['anne' => [4, 'garden'], 'bob' => [5, 'window']];

session_save_path(__DIR__ . '/../writable/sessions');

function may_see(int $user, string $name): bool
{
    return $name === "order:$user";
}

function log_in(): void
{
    if ($_SERVER['REQUEST_METHOD'] === 'GET') {
        echo 'Log in';
        return;
    }
    [$user, $password] = USERS[$_POST['name']];
    if ($password !== $_POST['password']) {
        http_response_code(401);
        return;
    }
    session_start();
    session_regenerate_id(true);
    $_SESSION = ['user' => $user, 'message' => 'welcome', 'address' => $_SERVER['REMOTE_ADDR']];
    header('Location: /session');
}

function log_out(): void
{
    session_start();
    $user = $_SESSION['user'];
    session_destroy();
    sse_revoke("user:$user");
    header('Location: /login');
}

function order(): void
{
    session_start(['read_and_close' => true]);
    sse_save('invoices', ['order' => 42], "user:{$_SESSION['user']}");
}

// What the tests read of a session, whose message is for one page.
function show_session(): void
{
    session_start();
    echo json_encode([
        'user' => $_SESSION['user'] ?? null,
        'message' => $_SESSION['message'] ?? null,
        'session' => session_id(),
    ]);
    unset($_SESSION['message']);
}

function answer_question(): void
{
    require __DIR__ . '/../answer.php';
    if ($user !== null && $_SESSION['address'] !== $_SERVER['REMOTE_ADDR']) {
        http_response_code(403);
    } elseif ($user !== null) {
        require __DIR__ . '/../asked.php';
    }
}

function save_requested_bursts(): void
{
    set_time_limit(0);
    save_bursts(cache_save(...), $_GET['key'], (int) $_GET['bursts'], (int) $_GET['saves'], (int) $_GET['seed']);
    echo 'saved';
}

function show_home(): void
{
    cache_save('event_cache_key1', '1');
    echo '<!DOCTYPE html><title>Shop</title><p>Welcome</p><script src="/js/sse-client.js"></script>';
}

match (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    '/' => show_home(),
    '/login' => log_in(),
    '/logout' => log_out(),
    '/order' => order(),
    '/session' => show_session(),
    '/sse/auth' => answer_question(),
    '/bursts' => save_requested_bursts(),
};
