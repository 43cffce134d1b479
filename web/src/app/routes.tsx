import { type LoaderFunctionArgs, Navigate, type RouteObject } from "react-router";
import { filterOf } from "../features/examples/filter";
import { outlineQuery } from "../features/examples/outlineQuery";
import { ProjectsPage } from "../features/projects/ProjectsPage";
import { projectQuery } from "../shared/api/queries";
import { queryClient } from "../shared/api/queryClient";
import { CrashPage, NotFoundPage } from "./Fallbacks";
import { ProjectIndex } from "./ProjectIndex";
import { ProjectLayout } from "./ProjectLayout";
import { Shell } from "./Shell";

// What a page shows first is asked for while its code is on the way. Nothing waits for it here.
function askProject({ params }: LoaderFunctionArgs) {
  void queryClient.prefetchQuery(projectQuery(params.projectId ?? ""));
  return null;
}

function askExamples({ params, request }: LoaderFunctionArgs) {
  void queryClient.prefetchQuery(outlineQuery(params.projectId ?? "", filterOf(new URL(request.url).searchParams)));
  return null;
}

const once = () => false;

/** Every page with its address. Pages are loaded when they are opened. */
export const routes: RouteObject[] = [
  {
    element: <Shell />,
    errorElement: <CrashPage />,
    HydrateFallback: () => null,
    children: [
      {
        errorElement: <CrashPage />,
        children: [
          { index: true, element: <Navigate to="/projects" replace /> },
          { path: "projects", element: <ProjectsPage /> },
          {
            path: "projects/:projectId",
            loader: askProject,
            shouldRevalidate: once,
            element: <ProjectLayout />,
            children: [
              {
                errorElement: <CrashPage />,
                children: [
                  { index: true, element: <ProjectIndex /> },
                  {
                    path: "model",
                    lazy: async () => ({ Component: (await import("../features/model/ModelPage")).ModelPage }),
                  },
                  {
                    path: "task",
                    lazy: async () => ({ Component: (await import("../features/task/TaskPage")).TaskPage }),
                  },
                  {
                    path: "data",
                    lazy: async () => ({ Component: (await import("../features/documents/DocumentsPage")).DocumentsPage }),
                  },
                  {
                    path: "preview",
                    lazy: async () => ({ Component: (await import("../features/writing/WritePage")).WritePage }),
                  },
                  {
                    path: "review",
                    loader: askExamples,
                    shouldRevalidate: once,
                    lazy: async () => ({ Component: (await import("../features/examples/ExamplesPage")).ExamplesPage }),
                  },
                  {
                    path: "review/label-studio",
                    lazy: async () => ({ Component: (await import("../features/label-studio/LabelStudioPage")).LabelStudioPage }),
                  },
                  {
                    path: "hardware",
                    lazy: async () => ({ Component: (await import("../features/hardware/HardwarePage")).HardwarePage }),
                  },
                  {
                    path: "train",
                    lazy: async () => ({ Component: (await import("../features/training/TrainPage")).TrainPage }),
                  },
                  {
                    path: "train/new",
                    lazy: async () => ({ Component: (await import("../features/training/TrainPage")).NewTrainingPage }),
                  },
                  {
                    path: "train/:runId",
                    lazy: async () => ({ Component: (await import("../features/training/TrainPage")).TrainPage }),
                  },
                  {
                    path: "results",
                    lazy: async () => ({ Component: (await import("../features/results/ResultsPage")).ResultsPage }),
                  },
                  { path: "chat", lazy: async () => ({ Component: (await import("../features/chat/ChatPage")).ChatPage }) },
                  {
                    path: "export",
                    lazy: async () => ({ Component: (await import("../features/exports/ExportPage")).ExportPage }),
                  },
                  { path: "*", element: <NotFoundPage /> },
                ],
              },
            ],
          },
          { path: "jobs", lazy: async () => ({ Component: (await import("../features/jobs/JobsPage")).JobsPage }) },
          {
            path: "settings",
            lazy: async () => ({ Component: (await import("../features/settings/SettingsPage")).SettingsPage }),
          },
          { path: "*", element: <NotFoundPage /> },
        ],
      },
    ],
  },
];
