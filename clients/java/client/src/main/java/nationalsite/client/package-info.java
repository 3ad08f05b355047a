/** A thin companion to nationalsite's stubs: channels, failures, money. */
package nationalsite.client;
