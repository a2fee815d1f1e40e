import type { Bus, ClientPage } from "../../lib/cluster/bus.ts";
import type {
  Answers,
  Question,
  QuestionKind,
  QuestionOf,
  Survey,
} from "../../lib/cluster/survey.ts";

/** The pages of all others. */
export async function pagesOf(
  bus: Bus,
  after: string | null,
  limit: number,
): Promise<readonly ClientPage[]> {
  return (await bus.survey<"page">({ kind: "page", after, limit })).answers;
}

/** Answers questions about clients by a function, and knows nothing of anything else. */
export function answerPages(
  page: (after: string | null, limit: number, search?: string) => ClientPage,
): <K extends QuestionKind>(question: QuestionOf<K>) => Answers[K] {
  return <K extends QuestionKind>(question: QuestionOf<K>) => {
    const asked: Question = question;
    const answer = asked.kind === "page" ? page(asked.after, asked.limit, asked.search) : null;
    return answer as Answers[K];
  };
}

/** The same for all others at once. */
export function surveyPages(
  pages: (after: string | null, limit: number, search?: string) => readonly ClientPage[],
): Bus["survey"] {
  return <K extends QuestionKind>(question: QuestionOf<K>) => {
    const asked: Question = question;
    const answers = asked.kind === "page" ? pages(asked.after, asked.limit, asked.search) : [];
    return Promise.resolve({ answers, isComplete: true } as Survey<unknown> as Survey<Answers[K]>);
  };
}
