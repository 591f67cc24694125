import type { Account, Party, Transfer } from "../api/types";

/** An account of a transfer with its name, where one may see it. */
export function partyOf(transfer: Transfer, account: string): Party {
  return transfer.parties?.find((party) => party.account === account) ?? { account, display_name: null };
}

/** The other sides of a transfer, as one of its accounts sees it. */
export function othersOf(transfer: Transfer, wallet: Account): Party[] {
  const legs = transfer.debit.account === wallet.id ? transfer.credits : [transfer.debit];
  return [...new Set(legs.map(({ account }) => account))].map((account) => partyOf(transfer, account));
}

/** What an account got (positive) or gave by a transfer. */
export function changeOf(transfer: Transfer, account: string): number {
  const credited = transfer.credits
    .filter((credit) => credit.account === account)
    .reduce((sum, { amount }) => sum + amount, 0);
  return credited - (transfer.debit.account === account ? Math.abs(transfer.debit.amount) : 0);
}

/** An account's balance after a transfer; null where there is none, or none that one may see. */
export function balanceAfter(transfer: Transfer, account: string): number | null {
  const legs = [transfer.debit, ...transfer.credits].filter((leg) => leg.account === account);
  return legs.at(-1)?.balance ?? null;
}
