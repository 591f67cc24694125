"""Requests of the workload over HTTP, and what their replies say in the words of history.py."""

import json
import re
from urllib.parse import quote

from wire import Connection, LostError, NotSentError

ENDED_BY = re.compile(r"by transfer (\d+)")


class HttpTeller:
    KINDS = None  # all

    def __init__(self, url, key, timeout_s):
        self.connection = Connection(url, timeout_s)
        self.authorization = f"Bearer {key}"

    async def perform(self, request):
        """The members of the call that tell what came back."""
        try:
            status, headers, body = await self.connection.ask(*self._message(request))
        except NotSentError:
            return {"result": "failed", "code": "not sent"}
        except LostError:
            return {"result": "unknown", "code": "lost"}
        answer = {"epoch": headers.get("tokpay-epoch")}
        return answer | judge(request["do"], status, body)

    def _message(self, request):
        headers = {"Authorization": self.authorization}
        match request["do"]:
            case "read" if len(request["accounts"]) == 1:
                return "GET", f"/v1/accounts/{request['accounts'][0]}/balance", headers
            case "read":
                return "POST", "/v1/balances:query", headers, json.dumps({"accounts": request["accounts"]}).encode()
            case "lookup":
                return "GET", f"/v1/transfers?debit={request['debit']}&key={quote(request['key'])}", headers
            case "transfer" | "hold":
                path = f"/v1/{request['do']}s"
                credits = [{"account": account, "amount": amount} for account, amount in request["legs"]]
                body = json.dumps({"debit": request["debit"], "credits": credits}).encode()
            case "capture" | "void":
                path, body = f"/v1/holds/{request['hold']}:{request['do']}", b""
        return "POST", path, {**headers, "Idempotency-Key": request["key"]}, body

    def close(self):
        self.connection.close()


def judge(do, status, body):
    """The result of a reply and what it shows."""
    if status == 503:
        return {"result": "failed", "code": problem_code(body)}
    if status == 404 and do == "lookup":
        return {"result": "absent"}
    if status in (200, 201):
        document = json.loads(body)
        return {"result": "ok"} | (shown_balances(document) if do == "read" else shown_transfer(document))
    if 400 <= status < 500:
        return {"result": "refused"} | shown_refusal(json.loads(body))
    return {"result": "unknown", "code": problem_code(body) or str(status)}


def problem_code(body):
    try:
        return json.loads(body).get("code")
    except ValueError:
        return None


def shown_balances(document):
    balances = document["balances"] if "balances" in document else [document]
    return {"shows": [[balance["account"], balance["version"], balance["balance"], balance["held"]] for balance in balances]}


def shown_transfer(document):
    legs = [document["debit"], *document["credits"]]
    states = [[leg["account"], leg["version"], leg["balance"]] for leg in legs if leg["version"] is not None]
    return {"transfer": document["id"], "at": document["at"], "shows": states}


def shown_refusal(problem):
    """Balances are told of the account that has too little, the transfer of a hold that has ended."""
    told = {"code": problem["code"]}
    if ended := ENDED_BY.search(problem["detail"]):
        told["mentions"] = ended[1]
    if problem["code"] == "insufficient_funds":
        told["shows"] = [[problem["account"], None, problem["balance"]]]
        told |= {member: problem[member] for member in ("available", "required") if problem.get(member) is not None}
    return told
