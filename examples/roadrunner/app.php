<?php

declare(strict_types=1);

/**
 * A backend in PHP for ocpp1.6, ocpp2.0.1 and ocpp2.1: answers what charging stations ask, and calls
 * them.
 *
 * RoadRunner runs it through worker.php; to try it, PHP alone is enough:
 *
 *     PHP_CLI_SERVER_WORKERS=8 php -S 127.0.0.1:5000 app.php
 *
 * With a station connected as CP1, the application's own paths call it through the gateway:
 *
 *     curl -d '{"type":"Soft"}' http://127.0.0.1:5000/reset/CP1
 *
 * From the environment, all with a default:
 *
 *     GATEWAY         http://HOST:PORT of the gateway's API
 *     GATEWAY_TOKEN   its --api-token
 *     SIGN_KEY_FILE   its --sign-key-file: then requests without its signature get 401
 *     PASSWORDS       {"CP1":"…"}: then the connect hook lets in nobody else
 */

require_once __DIR__ . '/../signature.php';

/**
 * Answers one HTTP request.
 *
 * @param string                $path    As in the request line, percent escapes and all.
 * @param array<string, string> $headers By name in lower case.
 * @return array{status: int, headers: array<string, string>, body: string}
 */
function handle(string $method, string $path, string $body, array $headers): array
{
    if ($method !== 'POST') {
        return answer(405, null, ['Allow' => 'POST']);
    }
    [$kind, $one, $two, $three] = array_map('rawurldecode', explode('/', substr($path, 1))) + ['', '', '', ''];

    // The application's own paths. Whoever reaches them commands every station: put a login here.
    if ($kind === 'reset') {
        return resetStation($one, $body);
    }
    if ($kind === 'unlock') {
        // A connector of a station of ocpp1.6, or of an EVSE.
        return $three === '' ? unlockConnector($one, (int) $two) : unlockConnector($one, (int) $three, (int) $two);
    }

    // The gateway's: /call/<Action>/<ClientId>/<MessageId>, /connect/<ClientId> and so on.
    $keyFile = getenv('SIGN_KEY_FILE');
    if ($keyFile) {
        $key = rtrim((string) file_get_contents($keyFile), "\r\n");
        if ($key === '') {
            throw new RuntimeException("no key in $keyFile"); // Anyone can sign with an empty one.
        }
        $signature = $headers['x-ws2api-signature'] ?? '';
        // One key, or lines of Standard Webhooks.
        $isGenuine = str_starts_with($key, 'whsec_')
            ? isSignedByGateway($path, $headers, $body, explode("\n", $key))
            : isFromGateway($method, $path, $signature, $body, $key);
        if (!$isGenuine) {
            return answer(401);
        }
    }
    switch ($kind) {
        case 'call':
            // Numbers become PHP's: 1.0 stays a float, and what is too large for an int becomes one.
            $asked = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
            // Without the header the station offered no version, which counts as ocpp1.6.
            $payload = answerCall($one, $two, $asked, $headers['x-ws2api-protocol'] ?? 'ocpp1.6');
            // The gateway makes a CALLRESULT of 200, and the CALLERROR "NotImplemented" of 501.
            return $payload === null ? answer(501) : answer(200, $payload);
        case 'connect':
            return mayConnect($one, json_decode($body)->authorization ?? '')
                ? answer(204)
                : answer(401, null, ['WWW-Authenticate' => 'Basic realm="stations"']);
        case 'result':
        case 'error':
            // A station's answer to a CALL of this backend. It comes again under the same path if the
            // connection broke before the gateway saw the 204.
        case 'resulterror':
        case 'send':
        case 'disconnect':
            // Here an application would store it. Line feeds are escaped: one request, one line.
            error_log($path . ' ' . addcslashes($body, "\0..\37"));
            return answer(204);
        default:
            return answer(404);
    }
}

/**
 * Most Actions are answered alike in all versions, and each answer has all that its schema asks for.
 *
 * @param array<string, mixed> $payload  What the station sent with its CALL.
 * @param string               $protocol ocpp1.6, ocpp2.0.1 or ocpp2.1.
 * @return ?array<string, mixed> The payload of the CALLRESULT; null for an unknown Action.
 */
function answerCall(string $action, string $clientId, array $payload, string $protocol): ?array
{
    $now = gmdate('Y-m-d\TH:i:s\Z');
    $accepted = ['status' => 'Accepted'];
    return match ($action) {
        'BootNotification' => ['status' => 'Accepted', 'currentTime' => $now, 'interval' => 300],
        'Heartbeat' => ['currentTime' => $now],
        'Authorize' => $protocol === 'ocpp1.6' ? ['idTagInfo' => $accepted] : ['idTokenInfo' => $accepted],
        // Transactions of ocpp1.6.
        'StartTransaction' => [
            // Workers share no memory: an application takes the number from its database.
            'transactionId' => random_int(1, 0x7FFFFFFF),
            'idTagInfo' => $accepted,
        ],
        'StopTransaction' => ['idTagInfo' => $accepted],
        // And of ocpp2.0.1 and ocpp2.1: with a token the station asks whether it is still good.
        'TransactionEvent' => isset($payload['idToken']) ? ['idTokenInfo' => $accepted] : [],
        'DataTransfer' => ['status' => 'UnknownVendorId'],
        'NotifyEVChargingSchedule' => $accepted,
        // Nothing is planned, streamed or signed here.
        'NotifyEVChargingNeeds', 'OpenPeriodicEventStream', 'PullDynamicScheduleUpdate',
        'SignCertificate' => ['status' => 'Rejected'],
        // What a station reports: an application would store it.
        'BatterySwap', 'ClearedChargingLimit', 'ClosePeriodicEventStream',
        'DiagnosticsStatusNotification', 'FirmwareStatusNotification', 'LogStatusNotification',
        'MeterValues', 'NotifyChargingLimit', 'NotifyCustomerInformation', 'NotifyDERAlarm',
        'NotifyDERStartStop', 'NotifyDisplayMessages', 'NotifyEvent', 'NotifyMonitoringReport',
        'NotifyPriorityCharging', 'NotifyReport', 'NotifySettlement', 'NotifyWebPaymentStarted',
        'PublishFirmwareStatusNotification', 'ReportChargingProfiles', 'ReportDERControl',
        'ReservationStatusUpdate', 'SecurityEventNotification', 'SignedFirmwareStatusNotification',
        'StatusNotification' => [],
        default => null,
    };
}

/**
 * Whether a station may connect: with --connect-hook.
 *
 * @param string $authorization Its Authorization header; empty without one.
 */
function mayConnect(string $clientId, string $authorization): bool
{
    $passwords = json_decode(getenv('PASSWORDS') ?: 'null', true, 512, JSON_THROW_ON_ERROR);
    if ($passwords === null) {
        return true; // No passwords configured: everybody.
    }
    $known = $passwords[$clientId] ?? '';
    if ($known === '' || preg_match('/^Basic +(\S+)$/iD', $authorization, $found) !== 1) {
        return false;
    }
    [$name, $given] = explode(':', (string) base64_decode($found[1]), 2) + ['', ''];
    // ocpp1.6 sends as password the bytes that the configured hex digits stand for; many stations send
    // the text itself.
    return $name === $clientId
        && (hash_equals($known, $given) || hash_equals(strtolower($known), bin2hex($given)));
}

/**
 * Restarts a station and waits for what it says: the answer is the gateway's.
 *
 * @return array{status: int, headers: array<string, string>, body: string}
 */
function resetStation(string $clientId, string $body): array
{
    $type = json_decode($body)->type ?? 'Soft';
    $payload = ['type' => $type];
    return passedOn(callClient(gateway(), token(), 'Reset', $clientId, messageId(), $payload, 10));
}

/**
 * Unlocks a connector without waiting: 202, and the station's answer comes as /result or /error.
 *
 * @return array{status: int, headers: array<string, string>, body: string}
 */
function unlockConnector(string $clientId, int $connectorId, ?int $evseId = null): array
{
    $payload = ['connectorId' => $connectorId];
    if ($evseId !== null) {
        $payload['evseId'] = $evseId; // Since ocpp2.0.1.
    }
    return passedOn(callClient(gateway(), token(), 'UnlockConnector', $clientId, messageId(), $payload));
}

/**
 * Calls a station through the gateway's API.
 *
 * @param string  $gateway     http://HOST:PORT of the API.
 * @param string  $messageId   1 to 36 characters, not that of a CALL that the station still has to answer.
 * @param array<string, mixed> $payload An empty array inside of it becomes [], not {}.
 * @param ?int    $waitSeconds How long to wait for the station; null does not.
 * @return array{status: int, outcome: string, body: string} 202 without waiting. With it 200 and the
 *     station's payload, 422 and its error, 410 when it went, 504 when it was silent. `outcome` says
 *     how far the CALL got: queued, not-sent, sent, answered. Status 0: the gateway said nothing.
 */
function callClient(
    string $gateway,
    string $token,
    string $action,
    string $clientId,
    string $messageId,
    array $payload,
    ?int $waitSeconds = null
): array {
    $headers = ['Content-Type: application/json', 'Connection: close'];
    if ($token !== '') {
        $headers[] = "Authorization: Bearer $token";
    }
    if ($waitSeconds !== null) {
        $headers[] = "Prefer: wait=$waitSeconds";
    }
    $options = [
        'method' => 'POST',
        'header' => $headers,
        'content' => json_encode((object) $payload, JSON_THROW_ON_ERROR),
        'protocol_version' => 1.1,
        'timeout' => ($waitSeconds ?? 0) + 10.0,
        'ignore_errors' => true, // 4xx and 5xx have a body too.
        'follow_location' => 0,
    ];
    $path = implode('/', array_map('rawurlencode', [$action, $clientId, $messageId]));
    $stream = @fopen("$gateway/call/$path", 'r', false, stream_context_create(['http' => $options]));
    if ($stream === false) {
        return ['status' => 0, 'outcome' => '', 'body' => ''];
    }
    $head = implode("\n", stream_get_meta_data($stream)['wrapper_data']);
    $body = (string) stream_get_contents($stream);
    fclose($stream);
    preg_match('/^HTTP\/\S+ (\d+)/', $head, $status);
    preg_match('/^ws2api-outcome: *(\S+)/mi', $head, $outcome);
    return ['status' => (int) $status[1], 'outcome' => $outcome[1] ?? '', 'body' => $body];
}

/**
 * The gateway's answer as this application's own.
 *
 * @param array{status: int, outcome: string, body: string} $called
 * @return array{status: int, headers: array<string, string>, body: string}
 */
function passedOn(array $called): array
{
    // Otherwise PHP calls it HTML, and a browser would run what a station has written into it.
    $headers = ['Content-Type' => 'application/json'];
    return ['status' => $called['status'] ?: 502, 'headers' => $headers, 'body' => $called['body']];
}

function gateway(): string
{
    return getenv('GATEWAY') ?: 'http://127.0.0.1:4000';
}

function token(): string
{
    return getenv('GATEWAY_TOKEN') ?: '';
}

/** 32 characters that no other CALL has. */
function messageId(): string
{
    return bin2hex(random_bytes(16));
}

/**
 * @param ?array<string, mixed>  $payload A JSON object; null for an empty body.
 * @param array<string, string>  $headers
 * @return array{status: int, headers: array<string, string>, body: string}
 */
function answer(int $status, ?array $payload = null, array $headers = []): array
{
    if ($payload === null) {
        return ['status' => $status, 'headers' => $headers, 'body' => ''];
    }
    $headers['Content-Type'] = 'application/json';
    $body = json_encode((object) $payload, JSON_THROW_ON_ERROR);
    return ['status' => $status, 'headers' => $headers, 'body' => $body];
}

// PHP's built-in server, where this file gets every request.
if (PHP_SAPI === 'cli-server') {
    ini_set('display_errors', '0'); // A fault is then a 500, and its text stays in the log.
    ['status' => $status, 'headers' => $headers, 'body' => $body] = handle(
        $_SERVER['REQUEST_METHOD'],
        $_SERVER['REQUEST_URI'],
        file_get_contents('php://input'),
        array_change_key_case(getallheaders())
    );
    http_response_code($status);
    foreach ($headers as $name => $value) {
        header("$name: $value");
    }
    // A 204 has neither a length nor a body.
    if ($status !== 204) {
        header('Content-Length: ' . strlen($body));
        echo $body;
    }
}
