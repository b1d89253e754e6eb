"""Signatures as Front and as Standard Webhooks make them, written anew from their descriptions."""
import base64
import hashlib
import hmac
import time


def sha1(body, secret):
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha1).digest()).decode()


def sha256(body, secret, timestamp):
    text = str(timestamp).encode() + b":" + body
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def webhook_headers(body, secret, message_id="msg-1", at=None):
    at = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def webhook_is_valid(headers, body, secret):
    wanted = webhook_headers(body, secret, headers["webhook-id"], headers["webhook-timestamp"])
    return hmac.compare_digest(wanted["webhook-signature"], headers["webhook-signature"])
