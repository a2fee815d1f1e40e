<?php

declare(strict_types=1);

// A small backend for ocpp1.6 that does both directions, as php-fpm serves it: every path comes to
// this file. With a station connected as CP1,
//
//     curl -X POST http://127.0.0.1:8080/reset/CP1
//
// restarts it. Whoever reaches that path commands every station: put a login before it.

// As in the request line: not PATH_INFO, which web servers decode and tidy up.
$parts = array_map('rawurldecode', explode('/', substr($_SERVER['REQUEST_URI'], 1)));
[$kind, $one] = $parts + ['', ''];
$body = file_get_contents('php://input');

match ($kind) {
    'call' => answerCall($one), // /call/<Action>/<ClientId>/<MessageId>
    'reset' => resetStation($one), // the application's own: /reset/<ClientId>
    // /result/<Action>/<ClientId>/<MessageId> and so on; every station may connect.
    'connect', 'disconnect', 'result', 'error' => store($body),
    default => answer(404),
};

function answerCall(string $action): void
{
    $now = gmdate('Y-m-d\TH:i:s\Z');
    $accepted = ['idTagInfo' => ['status' => 'Accepted']];
    match ($action) {
        'BootNotification' => answer(200, ['status' => 'Accepted', 'currentTime' => $now, 'interval' => 300]),
        'Heartbeat' => answer(200, ['currentTime' => $now]),
        'Authorize', 'StopTransaction' => answer(200, $accepted),
        // An application takes the number from its database.
        'StartTransaction' => answer(200, ['transactionId' => random_int(1, 0x7FFFFFFF)] + $accepted),
        'StatusNotification', 'MeterValues' => answer(200, []),
        default => answer(501), // the station gets NotImplemented
    };
}

function resetStation(string $clientId): void
{
    $path = implode('/', array_map('rawurlencode', ['Reset', $clientId, bin2hex(random_bytes(16))]));
    $said = @file_get_contents(getenv('GATEWAY') . "/call/$path", false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => ['Content-Type: application/json', 'Prefer: wait=10'],
        'content' => '{"type":"Soft"}',
        'ignore_errors' => true, // 4xx and 5xx have a body too.
        'timeout' => 20,
    ]]));
    // The gateway's status: 200 with the station's payload, 404 when it is not connected, and so on.
    $said === false ? answer(502) : answer((int) explode(' ', $http_response_header[0])[1], json_decode($said, true));
}

function store(string $body): void
{
    // Here an application would use its database. Line feeds are escaped: one request, one line.
    error_log($_SERVER['REQUEST_URI'] . ' ' . addcslashes($body, "\0..\37"));
    answer(204);
}

/** @param ?array<string, mixed> $payload A JSON object; null for an empty body. */
function answer(int $status, ?array $payload = null): void
{
    $text = $payload === null ? '' : json_encode((object) $payload, JSON_THROW_ON_ERROR);
    http_response_code($status);
    header('Content-Type: application/json');
    // With its length an answer is not cut into chunks, and whoever is in between sees its end. A 204 has
    // neither a length nor a body.
    if ($status !== 204) {
        header('Content-Length: ' . strlen($text));
        echo $text;
    }
}
