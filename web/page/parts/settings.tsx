/** What is asked for: which model, where it computes, which language, what else. */
import type { JSX } from 'preact';
import { languageCodes, languageName } from 'sotto/core';
import type { PageOptions } from '../asked.ts';
import type { EngineSetup } from '../engine/messages.ts';
import { isBusy, models, options, setup } from '../session.ts';

const languages = languageCodes
  .map((code) => ({ code, name: languageName(code) ?? code }))
  .sort((a, b) => a.name.localeCompare(b.name));

const set = (change: Partial<PageOptions>): void => {
  options.value = { ...options.value, ...change };
};

export function Settings(): JSX.Element {
  const { language, task, vad, wordTimestamps, initialPrompt } = options.value;
  const { model, device } = setup.value;
  const isEnglishOnly = /\.en$/.test(model);
  return (
    <form class="settings" aria-label="Settings" onSubmit={(event) => event.preventDefault()}>
      <fieldset disabled={isBusy.value}>
        <legend>Model</legend>
        <div class="models">
          {models.map((each) => (
            <label class="model" key={each.model}>
              <input
                type="radio"
                name="model"
                value={each.model}
                checked={each.model === model}
                onChange={() => (setup.value = { ...setup.value, model: each.model })}
              />
              <span class="model-name">{each.label}</span>
              <span class="model-size">{each.megabytes === undefined ? '' : `${each.megabytes} MB`}</span>
              <span class="model-about soft">{each.about}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <fieldset disabled={isBusy.value}>
        <legend>Speech</legend>
        <label class="field">
          Language
          <select
            value={isEnglishOnly ? 'en' : (language ?? '')}
            disabled={isEnglishOnly}
            onChange={({ currentTarget: { value } }) => set({ language: value === '' ? undefined : value })}
          >
            <option value="">found by itself</option>
            {languages.map(({ code, name }) => (
              <option value={code} key={code}>
                {name.charAt(0).toUpperCase() + name.slice(1)}
              </option>
            ))}
          </select>
        </label>
        <label class="tick">
          <input
            type="checkbox"
            checked={task === 'translate'}
            disabled={isEnglishOnly}
            onChange={({ currentTarget: { checked } }) => set({ task: checked ? 'translate' : undefined })}
          />
          Translate into English
        </label>
        <label class="tick">
          <input
            type="checkbox"
            checked={wordTimestamps === true}
            onChange={({ currentTarget: { checked } }) => set({ wordTimestamps: checked })}
          />
          Find the time of every word
        </label>
        <label class="tick">
          <input
            type="checkbox"
            checked={vad === true}
            onChange={({ currentTarget: { checked } }) => set({ vad: checked || undefined })}
          />
          Leave silence out
        </label>
        <label class="field">
          Names and words that occur
          <input
            type="text"
            value={initialPrompt ?? ''}
            placeholder="Ada Lovelace, Babbage"
            onInput={({ currentTarget: { value } }) => set({ initialPrompt: value === '' ? undefined : value })}
          />
        </label>
        <label class="field">
          Compute on
          <select
            value={device}
            onChange={
              ({ currentTarget: { value } }) =>
                (setup.value = { ...setup.value, device: value as EngineSetup['device'] }) // of the options below
            }
          >
            <option value="auto">GPU, if there is one</option>
            <option value="webgpu">GPU</option>
            <option value="cpu">CPU</option>
          </select>
        </label>
      </fieldset>
    </form>
  );
}
