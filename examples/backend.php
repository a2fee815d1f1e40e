<?php

/**
 * A whole backend for ocpp1.6 in PHP; docs/backend.md says why it answers what.
 *
 *     PHP_CLI_SERVER_WORKERS=8 php -S 127.0.0.1:5000 examples/backend.php
 *
 * With a station connected as CP1, a path of this backend's own sends it a CALL; put a login in front of it:
 *
 *     curl -d '{"type":"Soft"}' http://127.0.0.1:5000/command/Reset/CP1
 *     curl -d '{"type":"Soft"}' -H 'Prefer: wait=5' http://127.0.0.1:5000/command/Reset/CP1
 */

/** The answer to a station's CALL; null for an Action that is not known here. */
function answerCall(string $action): ?array
{
    $now = gmdate('Y-m-d\TH:i:s\Z');
    $accepted = ['idTagInfo' => ['status' => 'Accepted']];
    return match ($action) {
        'BootNotification' => ['status' => 'Accepted', 'currentTime' => $now, 'interval' => 300],
        'Heartbeat' => ['currentTime' => $now],
        'StatusNotification', 'MeterValues' => [],
        'Authorize', 'StopTransaction' => $accepted,
        'StartTransaction' => ['transactionId' => random_int(1, 0x7FFFFFFF)] + $accepted,
        default => null,
    };
}

/** Sends a station a CALL. Returns the gateway's status and body. */
function callClient(string $action, string $clientId, string $payload, string $prefer): array
{
    $messageId = bin2hex(random_bytes(16)); // Never the same again.
    $path = implode('/', array_map('rawurlencode', ['call', $action, $clientId, $messageId]));
    $token = getenv('GATEWAY_TOKEN') ?: 'none';
    $stream = fopen((getenv('GATEWAY') ?: 'http://127.0.0.1:4000') . "/$path", 'r', false,
        stream_context_create(['http' => [
            'method' => 'POST',
            'header' => ['Content-Type: application/json', "Authorization: Bearer $token",
                "Prefer: $prefer"],
            'content' => $payload,
            'timeout' => 40, // Longer than the wait.
            'ignore_errors' => true, // 4xx and 5xx have a body too.
        ]]));
    $statusLine = stream_get_meta_data($stream)['wrapper_data'][0];
    return [(int) explode(' ', $statusLine)[1], stream_get_contents($stream)];
}

ini_set('display_errors', '0'); // A fault is then a 500 without a body; its text is in PHP's log.
header('Content-Type: application/json');
$body = file_get_contents('php://input');
// First split, then decode: a name may hold an encoded slash.
$segments = array_map('rawurldecode', explode('/', substr($_SERVER['REQUEST_URI'], 1)));
[$kind, $action, $clientId] = $segments + ['', '', ''];
switch ($kind) {
    case 'call': // A station's CALL; $body is its payload.
        $answer = answerCall($action);
        http_response_code($answer === null ? 501 : 200); // 501: CALLERROR NotImplemented.
        echo $answer === null ? '' : json_encode((object) $answer); // [] alone is no object.
        break;
    case 'result': // How a CALL of this backend ended. It may come again, under the same path.
    case 'error':
        error_log($_SERVER['REQUEST_URI'] . ' ' . addcslashes($body, "\0..\37"));
        http_response_code(204);
        break;
    case 'command': // This backend's own. 202: the station's answer comes as /result or /error.
        [$status, $text] = callClient($action, $clientId, $body, $_SERVER['HTTP_PREFER'] ?? 'none');
        http_response_code($status);
        echo $text;
        break;
    default:
        http_response_code(404);
}
