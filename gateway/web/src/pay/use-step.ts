import { useEffect, useState } from "preact/hooks";

export type Step = "form" | "review";

const present = (): Step =>
  (history.state as { step?: Step } | null)?.step === "review" ? "review" : "form";

/**
 * The step of the form, which the browser's Back and Forward go through at the same address. It is the form where
 * there is nothing that could be reviewed.
 */
export function useStep(canReview: boolean): [Step, (step: Step) => void] {
  const [step, setStep] = useState<Step>(present);
  useEffect(() => {
    const listener = () => setStep(present());
    window.addEventListener("popstate", listener);
    return () => window.removeEventListener("popstate", listener);
  }, []);
  useEffect(() => {
    if (step !== "review" || canReview) return;
    history.replaceState(null, "");
    setStep("form");
  }, [step, canReview]);
  const go = (to: Step) => {
    if (to === step) return;
    if (to === "form") return history.back();
    history.pushState({ step: to }, "");
    setStep(to);
  };
  return [step, go];
}
